"""limen.platform.vm_snapshot against real libvirt, the real API and its ledger."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world.world import World

MIB = 2**20
VM = {"vcpus": 1, "memory": "64MiB", "machine": "pc"}
DISKS = [{"name": "root", "size": "8MiB"}]
ONE_VM = {"vms": 1, "vcpus": 1, "memory": 64 * MIB, "disk": 8 * MIB}

Tasks = Callable[..., Run]


@pytest.fixture
def tasks(ansible_playbook: RunPlaybook, operator: Setting, project: str) -> Tasks:
    """Runs a playbook of these tasks, (module, options) each, named 0, 1, ...; as an operator."""

    def run(*wanted: tuple[str, dict[str, Any]], check: bool = False) -> Run:
        listed = [
            {"name": str(index), f"limen.platform.{module}": {"project": project, **options}}
            for index, (module, options) in enumerate(wanted)
        ]
        playbook = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": listed}])
        return ansible_playbook(playbook, "--diff", *(["--check"] if check else []), as_=operator)

    return run


@pytest.fixture
def name(vm_prefix: str) -> str:
    return vm_prefix


@pytest.fixture
def stopped(tasks: Tasks, world: World, name: str) -> str:
    """A VM that is off."""
    tasks(("vm", {"name": name, "state": "defined", "disks": DISKS, **VM})).require()
    return name


def snapshots(world: World, vm: str) -> list[str]:
    return [snapshot.name for snapshot in world.domains()[vm].snapshots]


def test_apply_reapply_check(
    apply_reapply_check: Callable[..., Run], world: World, project: str, stopped: str
) -> None:
    run = apply_reapply_check("vm_snapshot", variables={"project": project, "vm": stopped})
    assert run.changed == ["Take one"]
    (listed,) = run.task("List them").result["snapshots"]
    assert (listed["name"], listed["state"], listed["description"]) == ("before", "stopped", "A test's")
    assert snapshots(world, stopped) == ["before"]
    # It may come to hold a copy of the disk.
    assert world.usage(project) == {**ONE_VM, "snapshots": 1, "disk": 16 * MIB}


def test_a_snapshot_that_does_not_fit_is_refused_and_none_is_taken(
    tasks: Tasks, world: World, project: str, stopped: str
) -> None:
    world.client.set_limits(project, {"snapshots": {"hard": "0"}})
    for check in (True, False):
        task = tasks(("vm_snapshot", {"vm": stopped, "name": "one"}), check=check).require_failure()
        (violation,) = task.result["decision"]["violations"]
        assert violation["resource"] == "snapshots"
    assert snapshots(world, stopped) == []
    assert world.usage(project) == ONE_VM


def test_revert_and_delete(tasks: Tasks, world: World, project: str, name: str) -> None:
    """A running VM's snapshot saves its memory."""
    done = tasks(
        ("vm", {"name": name, "disks": DISKS, **VM}),
        ("vm_snapshot", {"vm": name, "name": "small"}),
        ("vm", {"name": name, "state": "stopped", "force": True, "shutdown_seconds": 0}),
    ).require()
    assert done.changed == ["0", "1", "2"]
    assert world.usage(project) == {**ONE_VM, "snapshots": 1, "disk": (8 + 8 + 64) * MIB}
    reverted = tasks(("vm_snapshot", {"vm": name, "name": "small", "state": "reverted"})).require()
    assert reverted.task("0").diff["after"]["state"] == "running"
    assert world.domains()[name].state in ("running", "paused")
    gone = ("vm_snapshot", {"vm": name, "name": "small", "state": "absent"})
    assert tasks(gone, gone).require().changed == ["0"]
    assert snapshots(world, name) == []
    assert world.usage(project) == ONE_VM


def test_a_revert_to_a_larger_size_is_admitted_first(
    tasks: Tasks, world: World, project: str, stopped: str
) -> None:
    tasks(
        ("vm", {"name": stopped, "state": "defined", "memory": "512MiB"}),
        ("vm_snapshot", {"vm": stopped, "name": "large"}),
        ("vm", {"name": stopped, "state": "defined", "memory": "64MiB"}),
    ).require()
    world.client.set_limits(project, {"memory": {"hard": "256MiB"}})
    revert = ("vm_snapshot", {"vm": stopped, "name": "large", "state": "reverted"})
    task = tasks(revert).require_failure()
    assert task.result["decision"]["violations"][0]["resource"] == "memory"
    assert world.domains()[stopped].memory == 64 * MIB
    world.client.set_limits(project, {"memory": {"hard": "1GiB"}})
    tasks(revert).require()
    assert world.domains()[stopped].memory == 512 * MIB
    assert world.usage(project)["memory"] == 512 * MIB


def test_what_a_kill_leaves_is_completed(tasks: Tasks, world: World, project: str, stopped: str) -> None:
    """Deleted behind our back, or by a run that was killed: the next run gives it back."""
    take = ("vm_snapshot", {"vm": stopped, "name": "one"})
    tasks(take).require()
    world.virsh("snapshot-delete", stopped, "one")
    gone = tasks(("vm_snapshot", {"vm": stopped, "name": "one", "state": "absent"})).require()
    assert gone.changed == ["0"]
    assert world.usage(project) == ONE_VM
    assert tasks(take).require().changed == ["0"]


def test_disks_that_can_hold_none_are_named(tasks: Tasks, world: World, project: str, name: str) -> None:
    raw = [{"name": "root", "size": "8MiB", "format": "raw"}]
    tasks(("vm", {"name": name, "state": "defined", "disks": raw, **VM})).require()
    task = tasks(("vm_snapshot", {"vm": name, "name": "one"})).require_failure()
    assert "These disks can't hold snapshots, since they are not qcow2: vda." in task.message
    assert world.usage(project) == ONE_VM


def test_a_vm_that_is_not_there_is_one_sentence(tasks: Tasks, name: str) -> None:
    task = tasks(("vm_snapshot", {"vm": name, "name": "one"})).require_failure()
    assert task.message.startswith(f"There is no VM {name} at ")
