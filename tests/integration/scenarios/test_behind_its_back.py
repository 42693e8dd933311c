"""What others do to a stack's things: the next run of Pulumi sees it and puts it right, within the quota."""

import pytest

from tests.integration.scenarios.test_refusals import domain
from tests.world import guests
from tests.world.agreement import agree
from tests.world.errors import Disagreement
from tests.world.stack import Stack
from tests.world.world import World

MIB = 1024**2


@pytest.fixture
def one(world: World, stack: Stack) -> Stack:
    """A stack of one VM that runs."""
    stack.configure(world.document({"web-1": guests.vm()}))
    stack.up().require()
    return stack


def release(world: World) -> str:
    """Release the one claim there is; returns its id."""
    [claim] = world.claims()
    world.client.release_claim(claim["id"], claim["generation"])
    return str(claim["id"])


def remove(world: World, name: str) -> None:
    """Delete a VM behind Pulumi's back."""
    world.virsh("destroy", name)
    world.virsh("undefine", name)


def test_a_claim_that_was_released_is_admitted_again(world: World, one: Stack) -> None:
    claim = release(world)
    # What runs stays charged, so nobody else gets its place.
    assert world.usage() == {**guests.ONE, "networks": 1}
    with pytest.raises(Disagreement):
        agree(world, one)
    one.up().require()
    [held] = world.claims()
    assert held["id"] == claim
    agree(world, one)


def test_a_vm_deleted_behind_its_back_is_made_again_by_a_targeted_up(world: World, one: Stack) -> None:
    name = f"{one.name}-web-1"
    uuid = world.domains()[name].uuid
    remove(world, name)
    one.refresh().require()
    assert world.domains() == {}
    one.up("--target", domain("web-1"), "--target-dependents").require()
    assert world.domains()[name].uuid == uuid
    one.up().require()
    agree(world, one)


def test_a_targeted_up_makes_nothing_again_that_the_ledger_no_longer_holds(world: World, one: Stack) -> None:
    remove(world, f"{one.name}-web-1")
    release(world)
    world.client.scan_host(world.host)
    one.refresh().require()
    outcome = one.up("--target", domain("web-1"), "--target-dependents")
    assert world.domains() == {}, outcome.output
    assert outcome.code != 0
    one.up().require()
    agree(world, one)


def test_memory_set_by_hand_is_seen_charged_and_put_back(world: World, one: Stack) -> None:
    name = f"{one.name}-web-1"
    world.virsh("destroy", name)
    world.virsh("setmaxmem", name, "96MiB", "--config")
    world.virsh("setmem", name, "96MiB", "--config")
    world.client.scan_host(world.host)
    assert world.usage()["memory"] == 96 * MIB
    one.refresh().require()
    one.up().require()
    defined = world.domains()[name].defined
    assert defined is not None
    assert defined.memory == 64 * MIB
    # This guest gives nothing back while it runs, and stays charged for what it has.
    world.client.scan_host(world.host)
    assert world.usage()["memory"] == 96 * MIB
    world.virsh("destroy", name)
    world.virsh("start", name)
    agree(world, one)


def test_a_vm_undefined_by_hand_is_made_again(world: World, one: Stack) -> None:
    name = f"{one.name}-web-1"
    remove(world, name)
    one.refresh().require()
    one.up().require()
    assert set(world.domains()) == {name}
    agree(world, one)


def test_what_was_forgotten_is_imported(world: World, one: Stack) -> None:
    network = next(each for each in world.seen().networks if each.name == f"{one.name}-lan")
    [claim] = world.claims()
    kept = one.resources()
    for kind, name, identity in (
        ("libvirt:index/network:Network", "found", network.uuid),
        ("limen:index:QuotaClaim", "found-claim", claim["id"]),
    ):
        imported = one.pulumi(
            *("import", kind, name, identity, "--stack", one.name, "--yes", "--skip-preview"),
            *("--protect=false", "--generate-code=false"),
        )
        imported.require()
        urn = one.urn(kind.rpartition(":")[2], name)
        assert identity in [each.get("id") for each in one.resources() if each["urn"] == urn]
        one.pulumi("state", "delete", urn, "--stack", one.name, "--yes").require()
    assert {each["urn"] for each in one.resources()} == {each["urn"] for each in kept}
    agree(world, one)
