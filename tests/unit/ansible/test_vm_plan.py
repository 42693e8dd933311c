"""What the module vm plans: declared and seen go in, steps come out."""

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.limen.platform.plugins.module_utils.vm_devices import mac_address
from ansible_collections.limen.platform.plugins.module_utils.vm_model import (
    Card,
    CardSeen,
    Disk,
    DiskSeen,
    Hint,
    Seen,
    Size,
    Wanted,
)
from ansible_collections.limen.platform.plugins.module_utils.vm_plan import plan
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible, Plan

MIB = 2**20
UUID = "8b0d8a52-8c5e-4d5e-9a65-6f1b1b0f4c01"
HOST = "9b0d8a52-8c5e-4d5e-9a65-6f1b1b0f4c02"
SMALL = Size(1, 64 * MIB, 1, 64 * MIB)
ROOT = Disk("root", "default", "web-root", 8 * MIB)
ROOT_SEEN = DiskSeen("/pool/web-root", "vda", "web-root", "disk", "virtio", 8 * MIB)
OFF = Seen(UUID, "web", "stopped", False, SMALL, None, (ROOT_SEEN,))
RUNNING = replace(OFF, state="running", live=SMALL, live_targets=frozenset({"vda"}))
PAUSED = replace(RUNNING, state="paused")


def wanted(**changes: Any) -> Wanted:
    return Wanted(
        **{"name": "web", "project": "demo", "state": "running", "vcpus": 1, "memory": 64 * MIB, **changes}
    )


def planned(seen: Seen | None, hint: Hint | None = None, **changes: Any) -> Plan:
    return plan(wanted(**changes), seen, UUID, HOST, hint)


def actions(made: Plan) -> list[str]:
    return [step.action for step in made.steps]


@pytest.mark.parametrize(
    ("state", "seen", "expected"),
    [
        ("running", OFF, ["start"]),
        ("running", RUNNING, []),
        ("running", PAUSED, ["resume"]),
        ("paused", OFF, ["start_paused"]),
        ("paused", RUNNING, ["suspend"]),
        ("paused", PAUSED, []),
        ("stopped", OFF, []),
        ("stopped", RUNNING, ["shut_down"]),
        ("defined", OFF, []),
        ("defined", RUNNING, []),
        ("defined", PAUSED, []),
        ("absent", OFF, ["undefine"]),
        ("absent", RUNNING, ["shut_down", "undefine"]),
        ("absent", None, []),
    ],
)
def test_power(state: str, seen: Seen | None, expected: list[str]) -> None:
    made = planned(seen, state=state)
    assert actions(made) == expected
    # What only gives up needs no admission, what starts does.
    assert made.gated == bool({"start", "start_paused", "resume"} & set(expected))


def test_a_paused_guest_is_not_waited_for() -> None:
    with pytest.raises(NotPossible, match="can't hear the request to shut down"):
        planned(PAUSED, state="stopped")
    (step,) = planned(PAUSED, state="stopped", force=True).steps
    assert (step.sentence, step.with_) == ("powered off", {"seconds": 0, "force": True})


def test_a_new_vm_is_made_before_it_starts() -> None:
    made = planned(None, disks=(ROOT,), cards=(Card(network="lan"),), autostart=True)
    assert actions(made) == ["make_disk", "define", "autostart", "start"]
    assert made.before is None
    assert made.after is not None
    assert made.after["disks"] == {"web-root": "8MiB"}
    assert made.after["networks"] == {mac_address(HOST, "web", 0): "network lan"}
    with pytest.raises(NotPossible, match="say how many vcpus"):
        planned(None, vcpus=None)


def test_as_declared_is_no_step() -> None:
    hint = Hint("web", "demo", "c", "vm:web")
    seen = replace(RUNNING, hint=hint, tags={"role": "web"})
    made = planned(seen, hint, disks=(ROOT,), tags={"role": "web"}, autostart=False, cards=())
    assert made.steps == ()
    assert made.before == made.after


@pytest.mark.parametrize(
    ("live", "changes", "expected", "restarts"),
    [
        (SMALL, {"vcpus": 2}, "at its next start", False),
        (SMALL, {"vcpus": 2, "allow_restart": True}, "with a restart", True),
        (Size(1, 64 * MIB, 4, 64 * MIB), {"vcpus": 2}, "live", False),
        (Size(2, 64 * MIB, 2, 64 * MIB), {"vcpus": 1}, None, False),
        (Size(2, 64 * MIB, 2, 64 * MIB), {"vcpus": 1, "allow_restart": True}, None, True),
        (Size(1, 64 * MIB, 1, 128 * MIB), {"memory": 96 * MIB}, "live", False),
        (Size(1, 96 * MIB, 1, 128 * MIB), {}, None, False),
        (SMALL, {"max_vcpus": 4}, "at its next start", False),
    ],
)
def test_sizes_of_a_running_guest(
    live: Size, changes: dict[str, Any], expected: str | None, restarts: bool
) -> None:
    made = planned(replace(RUNNING, live=live), **changes)
    ways = [step.sentence.rpartition(", ")[2] for step in made.steps if step.action == "resize"]
    assert ways == ([] if expected is None else [expected])
    assert (actions(made)[-2:] == ["shut_down", "start"]) == restarts
    waits = bool(made.notes)
    assert waits == ((changes.get("vcpus") or 1) != live.vcpus and expected != "live" and not restarts)


def test_what_stops_anyway_is_changed_when_it_is_off() -> None:
    made = planned(RUNNING, state="stopped", vcpus=2, disks=(replace(ROOT, size=16 * MIB),))
    assert actions(made) == ["shut_down", "grow_disk", "resize"]
    assert made.notes == ()
    assert [step.with_["live"] for step in made.steps[1:]] == [False, None]


def test_a_restart_keeps_a_paused_guest_paused() -> None:
    made = planned(PAUSED, state="defined", vcpus=2, allow_restart=True, force=True)
    assert actions(made) == ["resize", "shut_down", "start_paused"]


def test_disks_grow_and_never_shrink() -> None:
    (step,) = planned(RUNNING, disks=(replace(ROOT, size=16 * MIB),)).steps
    assert (step.sentence, step.with_["live"]) == ("disk default/web-root 8MiB -> 16MiB, live", True)
    with pytest.raises(NotPossible, match="can't shrink to 4MiB"):
        planned(RUNNING, disks=(replace(ROOT, size=4 * MIB),))


def test_a_new_disk_gets_the_next_free_name() -> None:
    more = Disk("more", "default", "web-more", 4 * MIB)
    made = planned(RUNNING, disks=(ROOT, more))
    assert actions(made) == ["make_disk", "attach_disk"]
    assert made.steps[1].with_["target"] == "vdb"
    # A disk that is no longer declared stays.
    assert actions(planned(RUNNING, disks=())) == []


def test_cards_are_plugged_moved_and_only_own_ones_taken_out() -> None:
    own, declared = mac_address(HOST, "web", 0), "52:54:00:00:00:01"
    cards = (CardSeen(own, "lan", "virbr0", "virtio"), CardSeen(declared, "lan", None, "virtio"))
    seen = replace(RUNNING, cards=cards, live_cards=cards)
    assert actions(planned(seen, cards=(Card(network="lan"),))) == []
    assert actions(planned(seen, cards=(Card(network="other"),))) == ["move_card"]
    assert actions(planned(seen, cards=(Card(network="lan"), Card(bridge="br0")))) == ["attach_card"]
    (step,) = planned(seen, cards=()).steps
    assert (step.action, step.with_["mac"]) == ("detach_card", own)
    # A card that is only in the definition is plugged in live too.
    assert actions(planned(replace(seen, live_cards=()), cards=(Card(network="lan"),))) == ["attach_card"]


def test_metadata_is_put_right() -> None:
    hint = Hint("web", "other", "c", "vm:web")
    made = planned(replace(OFF, hint=replace(hint, project="demo")), hint, state="defined")
    assert actions(made) == ["hint"]
    assert made.after is not None
    assert made.after["project"] == "other"
    assert not made.gated


def test_the_seed_goes_before_the_domain_that_leads_to_it() -> None:
    seed = DiskSeen("/pool/web-seed.iso", "hdd", "web-seed.iso", "cdrom", "ide")
    made = planned(replace(OFF, disks=(ROOT_SEEN, seed)), state="absent")
    assert actions(made) == ["delete_seed", "undefine"]
