"""Decisions by example: each rule of the quota model once, and the order in which violations come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from limen.quota.decide import decide, grace_clock
from limen.quota.model import (
    UNLIMITED,
    Amount,
    Bounds,
    Change,
    Decision,
    Item,
    ItemViolation,
    Limit,
    Line,
    Scope,
    Standing,
    Unknown,
)

NOW = datetime(2030, 1, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
DEMO = Scope("7", "project", "demo")
TEAM = Scope("3", "project", "team")
HOST = Scope("aaaa", "host", "hv1")


def one(
    limit: Limit | None, used: int, reserved: int, before: int, after: Amount, since: datetime | None = None
) -> tuple[Decision, Line]:
    decision = decide(
        [Change("7", "vcpus", before, after)],
        [Standing(DEMO, "vcpus", limit, used, reserved, since)],
        NOW,
    )
    (line,) = decision.lines
    assert decision.allowed == (line.verdict != "denied")
    return decision, line


@pytest.mark.parametrize(
    ("used", "reserved", "before", "after", "verdict"),
    [
        (0, 0, 0, 8, "fits"),
        (0, 0, 0, 9, "denied"),
        (4, 0, 0, 4, "fits"),
        (4, 0, 0, 5, "denied"),
        (0, 4, 0, 5, "denied"),  # what is reserved counts as well
        (4, 4, 0, 1, "denied"),
        (8, 0, 8, 8, "fits"),  # the claim's own charge is not counted twice
        (4, 0, 4, 8, "fits"),
        (4, 0, 4, 9, "denied"),
        (20, 0, 10, 10, "fits"),  # a project that is over may stay as it is, or shrink
        (20, 0, 10, 9, "fits"),
        (20, 0, 10, 11, "denied"),
    ],
)
def test_hard_limits(used: int, reserved: int, before: int, after: int, verdict: str) -> None:
    _, line = one(Limit(8), used, reserved, before, after)
    assert (line.verdict, line.reason) == (verdict, "over_hard" if verdict == "denied" else None)


def test_unlimited_admits_and_a_missing_limit_denies() -> None:
    assert one(Limit(UNLIMITED), 2**53, 0, 0, 2**53 - 1)[0].allowed
    assert not one(Limit(0), 0, 0, 0, 1)[0].allowed
    decision, line = one(None, 0, 0, 0, 1)
    assert (decision.allowed, line.reason) == (False, "no_limit")
    assert one(None, 5, 0, 5, 4)[0].allowed


def test_a_change_without_a_standing_is_denied() -> None:
    for standings in ([], [Standing(DEMO, "memory", Limit(UNLIMITED))]):
        decision = decide([Change("7", "vcpus", 0, 1)], standings, NOW)
        (line,) = decision.lines
        assert (line.verdict, line.reason) == ("denied", "no_limit")


SOFT = Limit(8, soft=4, grace=WEEK)
KEY = ("7", "vcpus")


def test_over_soft_warns_and_starts_the_clock_once() -> None:
    decision, line = one(SOFT, 0, 0, 0, 5)
    assert (line.verdict, line.reason) == ("warns", "over_soft")
    assert (decision.starts_grace, decision.ends_grace) == ((KEY,), ())
    assert decision.warnings == (line,)
    decision, line = one(SOFT, 5, 0, 5, 6, since=NOW - WEEK)
    assert (line.verdict, decision.starts_grace) == ("warns", ())
    assert one(SOFT, 0, 0, 0, 4)[1].verdict == "fits"


def test_after_the_grace_period_over_soft_is_denied() -> None:
    late = NOW - WEEK - timedelta(microseconds=1)
    decision, line = one(SOFT, 5, 0, 5, 6, since=late)
    assert (line.verdict, line.reason, line.shortfall) == ("denied", "grace_over", 2)
    assert decision.starts_grace == decision.ends_grace == ()
    assert one(SOFT, 5, 0, 5, 5, since=late)[0].allowed
    # Going under soft ends the clock, and going over again later starts another.
    assert one(SOFT, 5, 0, 5, 4, since=late)[0].ends_grace == (KEY,)
    decision, line = one(SOFT, 4, 0, 4, 5, since=late)
    assert (line.verdict, decision.starts_grace) == ("warns", (KEY,))


def test_soft_without_grace_never_denies_and_zero_grace_denies_from_the_next_moment() -> None:
    assert one(Limit(8, soft=4), 7, 0, 7, 8, since=datetime(2000, 1, 1, tzinfo=UTC))[1].verdict == "warns"
    assert one(Limit(8, soft=4, grace=timedelta(0)), 5, 0, 5, 6, since=NOW)[1].verdict == "warns"
    before = NOW - timedelta(seconds=1)
    assert one(Limit(8, soft=4, grace=timedelta(0)), 5, 0, 5, 6, since=before)[1].verdict == "denied"


def test_a_denied_change_moves_no_clock() -> None:
    standings = [Standing(DEMO, "vcpus", SOFT), Standing(DEMO, "memory", Limit(0))]
    decision = decide([Change("7", "vcpus", 0, 5), Change("7", "memory", 0, 1)], standings, NOW)
    assert not decision.allowed
    assert decision.starts_grace == ()
    assert [line.standing.resource for line in decision.warnings] == ["vcpus"]


@pytest.mark.parametrize(("total", "clock"), [(4, None), (5, NOW - WEEK)])
def test_the_grace_clock_outside_admissions(total: int, clock: datetime | None) -> None:
    assert grace_clock(SOFT, total, NOW - WEEK, NOW) == clock
    assert grace_clock(SOFT, 5, None, NOW) == NOW
    assert grace_clock(Limit(8), total, NOW - WEEK, NOW) is None
    assert grace_clock(None, total, NOW - WEEK, NOW) is None


def test_unknown_amounts_count_as_their_upper_bound_or_are_denied() -> None:
    assert one(Limit(8), 0, 0, 0, Unknown(8))[0].allowed
    assert one(Limit(8), 0, 0, 0, Unknown(9))[1].reason == "over_hard"
    for limit in (Limit(8), Limit(UNLIMITED)):
        decision, line = one(limit, 0, 0, 0, Unknown())
        assert (decision.allowed, line.reason, line.requested, line.shortfall) == (
            False,
            "unknown_amount",
            None,
            None,
        )


def test_bounds_judge_what_is_new_or_larger() -> None:
    bounds = {"vcpus": Bounds(minimum=2, maximum=4), "disk": Bounds(maximum=10)}

    def judged(*items: Item) -> list[tuple[str, str, str]]:
        decision = decide([], [], NOW, items, bounds)
        assert decision.allowed == (not decision.violations)
        return [(v.item, v.resource, v.reason) for v in decision.violations if isinstance(v, ItemViolation)]

    def vm(key: str, vcpus: Amount) -> Item:
        return Item(key, "vm", key, "h", {"vms": 1, "vcpus": vcpus})

    assert judged(vm("vm:a", 2), vm("vm:b", 4), vm("vm:c", Unknown(3))) == []
    assert judged(
        vm("vm:d", Unknown()),
        vm("vm:c", Unknown(5)),
        vm("vm:b", 5),
        vm("vm:a", 1),
        Item("disk:a", "disk", "a", "h", {"disk": 11}),
        Item("snapshot:a", "snapshot", "a", "h", {"snapshots": 1, "disk": 11}),
    ) == [
        ("disk:a", "disk", "above_maximum"),
        ("vm:a", "vcpus", "below_minimum"),
        ("vm:b", "vcpus", "above_maximum"),
        ("vm:c", "vcpus", "above_maximum"),
        ("vm:d", "vcpus", "unknown_amount"),
    ]


def test_every_violation_is_reported_chain_upwards_then_hosts_then_by_resource() -> None:
    hosts = [Scope("bbbb", "host", "hv2"), HOST]
    names = ("device:b", "device:a", "snapshots", "networks", "disk", "memory", "vcpus", "vms")
    scopes: Sequence[Scope] = (DEMO, TEAM, *hosts)
    standings = [Standing(scope, name, Limit(0)) for scope in scopes for name in names]
    changes = [Change(scope.id, name, 0, 1) for name in names for scope in reversed(scopes)]
    item = Item("vm:a", "vm", "a", "aaaa", {"vcpus": 1})
    decision = decide(changes, standings, NOW, [item], {"vcpus": Bounds(minimum=2)})
    ordered = ("vms", "vcpus", "memory", "disk", "networks", "snapshots", "device:a", "device:b")
    assert described(decision) == [
        *(f"{scope} {name}" for scope in ("demo", "team", "hv1", "hv2") for name in ordered),
        "vm:a vcpus",
    ]
    assert decision.chain == ("demo", "team")
    assert decision.project == "demo"


def described(decision: Decision) -> list[str]:
    return [
        f"{each.standing.scope.name} {each.standing.resource}"
        if isinstance(each, Line)
        else f"{each.item} {each.resource}"
        for each in decision.violations
    ]
