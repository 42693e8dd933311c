"""Replays every committed state of a ledger and names what must never be.

- over: an admission raised a charge beyond its limit (a project's hard limit, a host's capacity);
- counters: a counter is not the sum of the charges it stands for;
- doubled: a claim was created twice;
- lost: a claim whose creation was acknowledged was never there, or the tables hold other charges than the
replay.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.contract.ledger.journal import Transaction, read

_ADMISSIONS = {"claim.create", "claim.change", "claim.transfer", "item.admit"}

Counter = tuple[str, str]  # (project id or host id, resource)


@dataclass(frozen=True)
class Violation:
    kind: str
    transaction: int
    text: str


@dataclass
class Report:
    """`transactions` that changed something were replayed."""

    violations: list[Violation]
    transactions: int
    created: int

    def kinds(self) -> set[str]:
        return {violation.kind for violation in self.violations}


class Replay:
    """The tables, and the sum of charges under each counter, after each transaction."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Any, dict[str, Any]]] = defaultdict(dict)
        self.sums: dict[Counter, list[int]] = defaultdict(lambda: [0, 0])
        self.created: dict[str, int] = defaultdict(int)
        self.violations: list[Violation] = []
        self._items: dict[str, set[Any]] = defaultdict(set)
        self._charges: dict[Any, set[Any]] = defaultdict(set)

    def apply(self, transaction: Transaction) -> None:
        """Take one transaction in and judge the state after it."""
        claims = {
            str(row.get("claim_id", row.get("id")))
            for name, old, new in transaction.rows
            if name in ("claims", "items", "charges")
            for row in (old, new)
            if row is not None
        }
        if any(name == "projects" and old is not None for name, old, _ in transaction.rows):
            claims = set(self.tables["claims"])  # the tree changed: every sum may have
        before = self._contribution(claims)
        for name, old, new in transaction.rows:
            self._row(transaction, name, old, new)
        after = self._contribution(claims)
        raised = set()
        for counter in {*before, *after}:
            was, now = before.get(counter, (0, 0)), after.get(counter, (0, 0))
            self.sums[counter][0] += now[0] - was[0]
            self.sums[counter][1] += now[1] - was[1]
            if sum(now) > sum(was):
                raised.add(counter)
        touched = {*before, *after} | self._counters(transaction)
        self._judge(transaction, touched, raised)

    def _row(
        self, transaction: Transaction, name: str, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> None:
        table = self.tables[name]
        if name == "audit":
            return
        if old is not None:
            table.pop(_key(name, old), None)
            if name == "items":
                self._items[old["claim_id"]].discard(_key(name, old))
            elif name == "charges":
                self._charges[old["claim_id"], old["key"]].discard(_key(name, old))
        if new is not None:
            table[_key(name, new)] = new
            if name == "items":
                self._items[new["claim_id"]].add(_key(name, new))
            elif name == "charges":
                self._charges[new["claim_id"], new["key"]].add(_key(name, new))
        if name == "claims" and old is None and new is not None:
            self.created[new["id"]] += 1
            if self.created[new["id"]] > 1:
                self._violate(transaction, "doubled", f"claim {new['id']} was created twice")

    def _contribution(self, claims: Iterable[str]) -> dict[Counter, tuple[int, int]]:
        """What these claims add to each counter: (seen, not seen)."""
        sums: dict[Counter, list[int]] = defaultdict(lambda: [0, 0])
        for claim_id in claims:
            claim = self.tables["claims"].get(claim_id)
            if claim is None:
                continue
            scopes = [str(number) for number in self.tables["projects"][claim["project_id"]]["ancestry"]]
            for item_key in self._items[claim_id]:
                item = self.tables["items"][item_key]
                place = 0 if item["seen"] else 1
                for charge_key in self._charges[item_key]:
                    charge = self.tables["charges"][charge_key]
                    for scope in (*scopes, item["host_id"]):
                        sums[scope, charge["resource"]][place] += charge["charge"]
        return {counter: (seen, unseen) for counter, (seen, unseen) in sums.items()}

    def _counters(self, transaction: Transaction) -> set[Counter]:
        return {
            (str(row["project_id" if name == "limits" else "host_id"]), row["resource"])
            for name, _, row in transaction.rows
            if name in ("limits", "capacities") and row is not None
        }

    def _judge(self, transaction: Transaction, touched: set[Counter], raised: set[Counter]) -> None:
        admission = bool(transaction.actions & _ADMISSIONS)
        for scope, resource in sorted(touched):
            used, reserved = self.sums[scope, resource]
            limit = self.tables["limits"].get((scope, resource)) or self.tables["capacities"].get(
                (scope, resource)
            )
            if limit is None or not limit.get("counted", True):
                continue
            if (limit["used"], limit["reserved"]) != (used, reserved):
                found = f"{limit['used']} + {limit['reserved']}"
                self._violate(
                    transaction,
                    "counters",
                    f"{scope} {resource}: {found}, and the items add up to {used} + {reserved}",
                )
            hard = limit["allowed"] if "allowed" in limit else limit["hard"]
            total = used + reserved + limit.get("orphans", 0)
            if admission and (scope, resource) in raised and hard is not None and total > hard:
                self._violate(transaction, "over", f"{scope} {resource}: {total} of {hard}")

    def _violate(self, transaction: Transaction, kind: str, text: str) -> None:
        self.violations.append(Violation(kind, transaction.id, text))


def check(url: str, acknowledged: Iterable[str] = ()) -> Report:
    """Replay the journal of `url`; `acknowledged` are claims whose creation a client was told of."""
    replay = Replay()
    transactions = read(url)
    for transaction in transactions:
        replay.apply(transaction)
    for claim in acknowledged:
        if replay.created[claim] != 1:
            replay.violations.append(
                Violation("lost", 0, f"claim {claim} was acknowledged and never created")
            )
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT claim_id::text, key, resource, charge FROM charges").fetchall()
        held = {(claim, key, resource): charge for claim, key, resource, charge in rows}
    replayed = {key: row["charge"] for key, row in replay.tables["charges"].items()}
    if held != replayed:
        replay.violations.append(
            Violation("lost", 0, f"{len(held)} charges, and {len(replayed)} in the journal")
        )
    return Report(replay.violations, len(transactions), len(replay.created))


def _key(name: str, row: dict[str, Any]) -> Any:
    match name:
        case "limits":
            return str(row["project_id"]), row["resource"]
        case "capacities":
            return row["host_id"], row["resource"]
        case "items":
            return row["claim_id"], row["key"]
        case "charges":
            return row["claim_id"], row["key"], row["resource"]
        case _:
            return row["id"]
