"""Which proofs are begun in the time that is left, and which may not be left out any more. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

DAY = 86_400


@dataclass(frozen=True)
class Candidate:
    """A proof that is stale: seconds that it will take, Unix time when it last held (0: never)."""

    name: str
    seconds: int
    proven: int = 0


@dataclass
class Outcome:
    """Names of proofs by what became of them."""

    held: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def play(
    stale: Sequence[Candidate],
    seconds: float | None,
    clock: Callable[[], float],
    run: Callable[[str], bool],
) -> Outcome:
    """Run them, oldest first; with `seconds` only those that can be expected to end within that time.

    The time is looked at before each: one may take longer than it used to. What does not fit lets shorter
    ones pass, and a failure stops no other: the second is worth as much as the first.
    """
    outcome = Outcome()
    ends = None if seconds is None else clock() + seconds
    for one in sorted(stale, key=lambda one: (one.proven, one.seconds, one.name)):
        if ends is not None and clock() + one.seconds > ends:
            outcome.left.append(one.name)
        else:
            (outcome.held if run(one.name) else outcome.failed).append(one.name)
    return outcome


def overdue(left: Sequence[str], changed: Mapping[str, int], now: int) -> list[str]:
    """Those of `left` whose inputs changed more than a day before `now`, without having been proven since.

    `changed` is the Unix time of the first change since then.
    """
    return [name for name in left if now - changed[name] > DAY]
