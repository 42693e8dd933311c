"""Small made-up worlds for the property tests: projects, hosts, limits, usage, and a claim that changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from limen.quota.claims import changes_for, totals, totals_by_host
from limen.quota.decide import decide
from limen.quota.model import UNLIMITED, Change, Decision, Item, Limit, Scope, Standing
from limen.quota.resources import is_host_resource

NOW = datetime(2030, 1, 8, tzinfo=UTC)
USED_RESOURCES = ("vms", "vcpus", "memory", "device:a100")
CHAIN = (Scope("p3", "project", "demo"), Scope("p1", "project", "team"), Scope("p2", "project", "company"))
HOSTS = (Scope("h2", "host", "hv2"), Scope("h1", "host", "hv1"))


@dataclass(frozen=True)
class World:
    """A claim that goes from `before` to `after`, and how every scope stands."""

    chain: tuple[Scope, ...]
    before: tuple[Item, ...]
    after: tuple[Item, ...]
    standings: tuple[Standing, ...]

    @property
    def changes(self) -> list[Change]:
        return changes_for([scope.id for scope in self.chain], self.before, self.after)

    def decide(self, changes: Sequence[Change] | None = None) -> Decision:
        return decide(self.changes if changes is None else changes, self.standings, NOW)


def merged(decision: Decision, standings: Sequence[Standing]) -> list[Standing]:
    """The standings after `decision` was carried out, as the ledger would write them."""
    lines = {(line.standing.scope.id, line.standing.resource): line for line in decision.lines}
    result = []
    for standing in standings:
        key = (standing.scope.id, standing.resource)
        clock = NOW if key in decision.starts_grace else standing.soft_since
        clock = None if key in decision.ends_grace else clock
        total = lines[key].total if key in lines else standing.used + standing.reserved
        result.append(standing.with_usage(used=0, reserved=total, soft_since=clock))
    return result


small = st.integers(0, 6)
clocks = st.sampled_from([None, NOW - timedelta(days=7), NOW - timedelta(days=7, seconds=1), NOW])


@st.composite
def limits(draw: st.DrawFn) -> Limit | None:
    hard = draw(st.one_of(st.none(), st.just(UNLIMITED), st.integers(0, 40), st.integers(5, 20)))
    if hard is None:
        return None
    soft = draw(st.one_of(st.none(), st.integers(0, 40 if hard is UNLIMITED else hard)))
    grace = None if soft is None else draw(st.sampled_from([None, timedelta(0), timedelta(days=7)]))
    return Limit(hard, soft, grace)


@st.composite
def items(draw: st.DrawFn, hosts: Sequence[Scope], least: int = 0) -> tuple[Item, ...]:
    keys = draw(st.lists(st.sampled_from(["vm:a", "vm:b", "vm:c", "vm:d"]), unique=True, min_size=least))
    host_ids = [host.id for host in hosts] or ["nowhere"]
    return tuple(
        Item(
            key,
            "vm",
            key,
            draw(st.sampled_from(host_ids)),
            draw(st.dictionaries(st.sampled_from(USED_RESOURCES), small, min_size=least)),
        )
        for key in keys
    )


@st.composite
def worlds(draw: st.DrawFn, *, only_grows: bool = False, most_hosts: int = 2) -> World:
    chain = CHAIN[: draw(st.integers(1, 3))]
    hosts = HOSTS[: draw(st.integers(1, most_hosts))]
    before = () if only_grows else draw(items(hosts))
    after = draw(items(hosts, least=1 if only_grows else 0))
    held, held_by_host = totals(before), totals_by_host(before)
    standings = []
    for scope in (*chain, *hosts):
        for resource in USED_RESOURCES:
            if scope.kind == "host" and not is_host_resource(resource):
                continue
            mine = (held if scope.kind == "project" else held_by_host.get(scope.id, {})).get(resource, 0)
            used = draw(st.integers(0, mine))
            standings.append(
                Standing(
                    scope,
                    resource,
                    draw(limits()),
                    used + draw(small),
                    mine - used + draw(small),
                    draw(clocks),
                )
            )
    return World(chain, before, after, tuple(standings))


def raised(limit: Limit | None, by: int) -> Limit | None:
    """A limit that is higher in one way, which one `by` says; None, the lowest, becomes a number."""
    if limit is None:
        return [None, Limit(by), Limit(UNLIMITED)][by % 3]
    hard = limit.hard if limit.hard is UNLIMITED else limit.hard + by
    return [
        limit,
        replace(limit, hard=UNLIMITED),
        replace(limit, hard=hard),
        replace(limit, soft=None, grace=None),
        replace(limit, grace=None),
        limit
        if limit.soft is None
        else replace(limit, soft=limit.soft + by, hard=hard, grace=limit.grace and limit.grace * 2),
    ][by % 6]
