"""Which proofs are run in the time that is left, and which may not be left out any more. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

DAY = 86_400


@dataclass(frozen=True)
class Candidate:
    """A proof that is stale: seconds that it will take, Unix time when it last held (0: never)."""

    name: str
    seconds: int
    proven: int = 0


@dataclass(frozen=True)
class Plan:
    """What is run, in this order, and what is left out for want of time."""

    run: tuple[str, ...]
    left: tuple[str, ...]


def choose(stale: Sequence[Candidate], seconds: float | None) -> Plan:
    """Oldest first, as many as fit into `seconds` (None: all); what does not fit lets shorter ones pass."""
    run, left, room = [], [], seconds
    for one in sorted(stale, key=lambda one: (one.proven, one.seconds, one.name)):
        if room is None or one.seconds <= room:
            run.append(one.name)
            room = None if room is None else room - one.seconds
        else:
            left.append(one.name)
    return Plan(tuple(run), tuple(left))


def overdue(left: Sequence[str], changed: Mapping[str, int | None], now: int) -> list[str]:
    """Those of `left` whose inputs changed more than a day before `now`, without having been proven since.

    `changed` is the Unix time of the first change since then; None where nobody can tell.
    """
    times = {name: changed.get(name) for name in left}
    return [name for name, time in times.items() if time is not None and now - time > DAY]
