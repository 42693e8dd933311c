"""A stack that changes: plan, state, ledger and libvirt agree at each step."""

import threading
import time

from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Outcome, Stack
from tests.world.world import World

SOON = 10.0
"""Seconds within which every unit must be given back once libvirt shows the VMs gone."""


def some(count: int) -> dict[str, dict[str, object]]:
    return {f"web-{number}": guests.vm() for number in range(1, count + 1)}


def times(count: int) -> dict[str, int]:
    """What that many idle VMs on one network are charged."""
    return {**{resource: count * amount for resource, amount in guests.ONE.items()}, "networks": 1}


def test_scale_from_two_to_four_and_back_to_one(world: World, stack: Stack) -> None:
    for count in (2, 4, 1):
        stack.configure(world.document(some(count)))
        stack.up().require()
        assert set(world.domains()) == {f"{stack.name}-web-{n}" for n in range(1, count + 1)}
        assert world.usage() == times(count)
        agree(world, stack)


def test_rename_then_another_network_then_another_project(world: World, stack: Stack) -> None:
    world.project("other", {"vms": "1", "vcpus": "1", "memory": "64MiB", "disk": "8MiB", "networks": "2"})
    stack.configure(world.document(some(1)))
    stack.up().require()
    uuid = world.domains()[f"{stack.name}-web-1"].uuid
    [disk] = [volume.key for volume in world.seen().volumes if volume.role == "disk"]

    stack.configure(world.document({"shop": guests.vm(key="web-1")}))
    stack.up().require()
    assert {name: domain.uuid for name, domain in world.domains().items()} == {f"{stack.name}-shop": uuid}
    assert world.usage() == times(1)
    agree(world, stack)

    networks = guests.networks(60, "lan", "dmz")
    moved = world.document({"shop": guests.vm(key="web-1", networks=["dmz"])}, networks=networks)
    stack.configure(moved)
    stack.up().require()
    [card] = world.domains()[f"{stack.name}-shop"].interfaces
    assert card.network == f"{stack.name}-dmz"
    assert world.usage() == {**times(1), "networks": 2}
    agree(world, stack)

    stack.configure(moved, project="other")
    stack.up().require()
    assert world.usage() == {}
    assert world.usage("other") == {**times(1), "networks": 2}
    shop = world.domains()[f"{stack.name}-shop"]
    assert shop.uuid == uuid
    assert shop.hint is not None
    assert shop.hint.project == "other", "the metadata must not go on naming the project of yesterday"
    assert [volume.key for volume in world.seen().volumes if volume.role == "disk"] == [disk]
    agree(world, stack)


def test_a_project_without_room_takes_no_stack(world: World, stack: Stack) -> None:
    world.project("full", {"vms": "0"})
    stack.configure(world.document(some(1)))
    stack.up().require()
    stack.configure(world.document(some(1)), project="full")
    outcome = stack.up()
    assert outcome.code != 0
    assert "project full may not use 1 more vm" in " ".join(outcome.output.split())
    assert world.usage() == times(1)
    stack.configure(world.document(some(1)))
    agree(world, stack)


def test_destroy_gives_back_every_unit_when_libvirt_shows_it_gone_and_not_before(
    world: World, stack: Stack
) -> None:
    stack.configure(world.document(some(2)))
    stack.up().require()
    outcomes: list[Outcome] = []
    destroying = threading.Thread(target=lambda: outcomes.append(stack.destroy()))
    destroying.start()
    gone: float | None = None
    while True:
        # In this order: what is charged may be more than what is there a moment later, never less.
        charged, there = world.usage().get("vms", 0), len(world.domains())
        assert charged >= there, "a unit was given back while libvirt still showed its VM"
        now = time.monotonic()
        gone = now if gone is None and not there else gone
        if gone is not None and not charged:
            break
        assert gone is None or now - gone < SOON, f"{charged} VMs are charged {SOON} s after they went"
        time.sleep(0.05)
    destroying.join()
    outcomes[0].require()
    assert world.usage() == {}
    agree(world, stack, preview=False)
