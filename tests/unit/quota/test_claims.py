"""What claims amount to: growth, sums, changes per scope, items as asked for."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from limen.quota import claims
from limen.quota.errors import InvalidAmount, InvalidResource, InvalidSpec
from limen.quota.model import Amount, Bounds, Change, Item, ItemKind, Unknown
from tests.unit.quota.worlds import World, worlds


def item(key: str, host: str = "h1", kind: ItemKind = "vm", name: str = "", **amounts: Amount) -> Item:
    return Item(key, kind, name or key, host, amounts)


def test_growing_takes_the_larger_amount_and_keeps_what_is_not_named() -> None:
    old = (item("vm:b", vcpus=4, memory=10), item("vm:a", vcpus=1))
    new = (item("vm:b", name="renamed", vcpus=2, memory=20, vms=1), item("disk:c", kind="disk", disk=5))
    assert claims.grow(old, new) == (
        item("disk:c", kind="disk", disk=5),
        item("vm:a", vcpus=1),
        item("vm:b", name="renamed", vms=1, vcpus=4, memory=20),
    )


def test_growing_with_amounts_not_known_yet() -> None:
    def grown(old: Amount, new: Amount) -> Amount:
        return claims.grow([item("vm:a", vcpus=old)], [item("vm:a", vcpus=new)])[0].amounts["vcpus"]

    assert grown(4, Unknown(8)) == Unknown(8)
    assert grown(8, Unknown(4)) == 8
    assert grown(4, Unknown()) == Unknown()


def test_an_item_that_holds_something_stays_where_and_what_it_is() -> None:
    held = item("vm:a", vcpus=1)
    for other in (replace(held, host="h2"), replace(held, kind="disk")):
        with pytest.raises(InvalidSpec, match="give the new one another key"):
            claims.grow([held], [other])
        assert claims.grow([replace(held, amounts={"vcpus": 0})], [other]) == (other,)
    with pytest.raises(InvalidSpec, match="used twice"):
        claims.grow([], [held, held])


@given(worlds())
def test_growing_never_lowers_and_growing_again_changes_nothing(world: World) -> None:
    after = tuple(replace(each, host="h1") for each in world.after)
    before = tuple(replace(each, host="h1") for each in world.before)
    grown = claims.grow(before, after)
    assert claims.grow(grown, after) == grown
    assert claims.grow(grown, before) == tuple(replace(each, name=each.name) for each in grown)
    for part in (before, after):
        for resource, amount in claims.totals(part).items():
            assert claims.totals(grown).get(resource, 0) >= amount


def test_sums_are_in_canonical_order_and_by_host() -> None:
    held = (
        item("vm:b", "h2", vcpus=2, memory=5, vms=1),
        item("vm:a", "h1", memory=3, vms=1),
        item("disk:a", "h2", kind="disk", disk=7),
        Item("vm:c", "vm", "c", "h2", {"device:a100": 1}),
    )
    assert list(claims.totals(held).items()) == [
        ("vms", 2),
        ("vcpus", 2),
        ("memory", 8),
        ("disk", 7),
        ("device:a100", 1),
    ]
    by_host = claims.totals_by_host(held)
    assert list(by_host) == ["h1", "h2"]
    assert by_host == {"h1": {"memory": 3}, "h2": {"vcpus": 2, "memory": 5, "disk": 7, "device:a100": 1}}
    assert claims.totals([item("vm:a", vcpus=Unknown(3)), item("vm:b", vcpus=2)]) == {"vcpus": 5}
    with pytest.raises(InvalidAmount, match="not known yet"):
        claims.totals([item("vm:a", vcpus=Unknown())])


def test_changes_cover_every_project_of_the_chain_and_every_host() -> None:
    before = (item("vm:a", "h2", vms=1, vcpus=2),)
    after = (item("vm:a", "h2", vms=1, vcpus=3), item("vm:b", "h1", vms=1, vcpus=Unknown()))
    assert claims.changes_for(["7", "3"], before, after) == [
        Change("7", "vms", 1, 2),
        Change("7", "vcpus", 2, Unknown()),
        Change("3", "vms", 1, 2),
        Change("3", "vcpus", 2, Unknown()),
        Change("h1", "vcpus", 0, Unknown()),
        Change("h2", "vcpus", 2, 3),
    ]


def test_a_transfer_is_an_increase_where_the_claim_was_not_charged_before() -> None:
    held = (item("vm:a", "h1", vcpus=2),)
    assert claims.changes_for(["8", "3"], held, held, held_in={"7", "3"}) == [
        Change("8", "vcpus", 0, 2),
        Change("3", "vcpus", 2, 2),
        Change("h1", "vcpus", 2, 2),
    ]


def test_the_charge_is_the_larger_of_claimed_and_observed() -> None:
    assert claims.charge({"vcpus": 2, "memory": 8}, {"memory": 9, "disk": 1}) == {
        "vcpus": 2,
        "memory": 9,
        "disk": 1,
    }


def test_increases_hold_only_what_bounds_are_judged_on() -> None:
    before = (item("vm:a", vcpus=4, memory=8), item("vm:b", vcpus=1))
    after = (item("vm:a", vcpus=2, memory=9), item("vm:b", vcpus=1), item("vm:c", vcpus=Unknown(), memory=0))
    assert claims.increases(before, after) == (item("vm:a", memory=9), item("vm:c", vcpus=Unknown()))
    assert claims.increases((), before) == before


def test_defaults_fill_what_is_not_stated() -> None:
    bounds = {"vcpus": Bounds(default=2), "memory": Bounds(maximum=9), "disk": Bounds(default=7)}
    assert claims.with_defaults(item("vm:a", vms=1, memory=5), bounds).amounts == {
        "vms": 1,
        "memory": 5,
        "vcpus": 2,
    }
    assert claims.with_defaults(item("vm:a", vcpus=1), bounds).amounts == {"vcpus": 1}


GOOD = Item("vm:a", "vm", "a", "h", {"vms": 1, "vcpus": 1, "memory": 1})


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        replace(GOOD, amounts={**GOOD.amounts, "device:a100": 2, "memory": Unknown()}),
        Item("disk:a", "disk", "a", "h", {"disk": 1}, volume="default/a"),
        Item("network:lan", "network", "lan", "h", {"networks": 1}),
        Item("snapshot:a", "snapshot", "a", "h", {"snapshots": 1, "disk": 1}),
        Item("snapshot:a", "snapshot", "a", "h", {"snapshots": 1}),
        Item("snapshot:a", "snapshot", "a", "h", {"snapshots": 1, "disk": 0}, snapshot="d/a"),
    ],
)
def test_items_of_every_kind_can_be_asked_for(good: Item) -> None:
    claims.check_items([good])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda good: replace(good, key="VM a"), "is not an item key"),
        (lambda good: replace(good, kind="pool"), "use one of vm, disk, network, snapshot"),
        (lambda good: replace(good, name=""), "needs a name"),
        (lambda good: replace(good, host=""), "needs a name and a host"),
        (lambda good: replace(good, volume="default/a"), "only a disk has a volume"),
        (lambda good: replace(good, snapshot="d/a"), "a vm and no snapshot"),
        (lambda good: replace(good, amounts={}), "does not say how much vms"),
        (lambda good: replace(good, amounts={"vms": 1, "memory": 1}), "does not say how much vcpus"),
        (lambda good: replace(good, amounts={**good.amounts, "vms": 2}), "amount of vms must be 1"),
        (lambda good: replace(good, amounts={**good.amounts, "vms": Unknown(1)}), "vms must be 1"),
        (lambda good: replace(good, amounts={**good.amounts, "vcpus": 0}), "more than 0 vcpus"),
        (lambda good: replace(good, amounts={**good.amounts, "disk": 1}), "not charged for disk"),
    ],
)
def test_malformed_items_are_refused(change: Callable[[Item], Item], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        claims.check_items([change(GOOD)])


def test_keys_are_unique_and_resources_are_known() -> None:
    with pytest.raises(InvalidSpec, match="used twice"):
        claims.check_items([GOOD, GOOD])
    with pytest.raises(InvalidResource):
        claims.check_items([replace(GOOD, amounts={**GOOD.amounts, "gpu": 1})])
