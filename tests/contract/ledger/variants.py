"""Four ways to get the admission wrong.

Each patches the running process, to show that the checker catches it.
"""

from collections.abc import Callable
from typing import Any

from limen.ledger import admission, document, statements
from limen.ledger.view import View

_SUM = """coalesce((SELECT sum(g.charge) FROM charges g JOIN claims c ON c.id = g.claim_id
    JOIN projects q ON q.id = c.project_id
    WHERE q.ancestry @> ARRAY[limits.project_id] AND g.resource = limits.resource), 0), 0))"""


def no_lock() -> None:
    """Counters are read and moved without a lock."""
    for touched in statements.LOCK:
        statements.LOCK[touched] = "SELECT 1"


def lock_and_sum_at_once() -> None:
    """The lock is there, but the sums are read by the statement that waits for it: its snapshot is older."""
    for (touched, answers), query in statements.READ.items():
        lock = statements.LOCK[touched].removeprefix("\nWITH ").partition("\nSELECT (SELECT")[0]
        summed = _replace(query, "used, reserved))", _SUM)
        summed = _replace(summed, "\nWITH ", f"\nWITH {lock},\n")
        statements.READ[touched, answers] = summed + " WHERE EXISTS (SELECT FROM l)"
    no_lock()


def repeatable_read() -> None:
    """The locks are taken in turn, but all reads are of the snapshot from before; items are summed, as there
    are no counters whose update would fail."""
    _patch(admission, "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ")
    for shape, query in statements.READ.items():
        statements.READ[shape] = _replace(query, "used, reserved))", _SUM)
    _patch(document, "write", lambda parts: statements.write(parts - {"limits", "capacities"}))


def forgotten_ancestor() -> None:
    """The root of the tree is neither asked nor charged."""
    plain = View.__init__

    def forgetful(self: View, row: tuple[Any, ...]) -> None:
        plain(self, row)
        for name, project in self.projects.items():
            short = project.scopes[:-1]
            self.projects[name] = type(project)(project.id, project.name, short)

    _patch(View, "__init__", forgetful)


VARIANTS: dict[str, Callable[[], None]] = {
    "no lock": no_lock,
    "lock and sum in one statement": lock_and_sum_at_once,
    "repeatable read": repeatable_read,
    "a forgotten ancestor": forgotten_ancestor,
}


def _patch(owner: Any, name: str, value: Any) -> None:
    if not hasattr(owner, name):
        raise AttributeError(f"{owner} has no {name}: the variant does not fit the ledger any more")
    setattr(owner, name, value)


def _replace(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        raise ValueError(
            f"{old!r} is not once in the statement: the variant does not fit the ledger any more"
        )
    return text.replace(old, new)
