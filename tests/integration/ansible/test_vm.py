"""limen.platform.vm against real libvirt, the real API and its ledger. The guests halt at once."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from limen.hypervisor.model import DomainSeen
from limen.quota.model import item_uuid
from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook, TaskResult
from tests.world.world import World

MIB = 2**20


@pytest.fixture
def name(vm_prefix: str) -> str:
    return vm_prefix


Vm = Callable[..., Run]


@pytest.fixture
def vm(ansible_playbook: RunPlaybook, operator: Setting, project: str) -> Vm:
    """Runs a playbook of one task, `vm(*arguments, **options)`, as an operator who may not change limits."""

    def run(*arguments: str, **options: Any) -> Run:
        given = {"project": project, "machine": "pc", **options}
        environment = given.pop("environment", None)
        task = {"name": "task", "limen.platform.vm": given}
        playbook = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}])
        return ansible_playbook(playbook, "--diff", *arguments, as_=operator, environment=environment)

    return run


def done(run: Run) -> TaskResult:
    return run.require().task("task")


def domain(world: World, name: str) -> DomainSeen:
    return world.domains()[name]


def test_apply_reapply_check(
    apply_reapply_check: Callable[..., Run],
    world: World,
    project: str,
    name: str,
    network: str,
    image: str,
) -> None:
    variables = {"project": project, "name": name, "network": network, "image": image}
    run = apply_reapply_check("vm", variables=variables)
    assert run.changed == ["One that runs", "Two of a list"]
    one, two, three = (domain(world, f"{name}-{which}") for which in ("one", "two", "three"))
    assert (one.state, two.state, three.state) == ("running", "paused", "shutoff")
    assert one.autostart
    assert [card.network for card in one.interfaces] == [network]
    assert [disk.volume for disk in one.disks] == [
        f"{name}-one-root",
        f"{name}-one-data",
        f"{name}-one-seed.iso",
    ]
    claim = run.task("One that runs").result["vm"]["claim"]
    assert one.uuid == str(item_uuid(claim, f"vm:{name}-one"))
    assert one.hint is not None
    assert (one.hint.project, one.hint.claim) == (project, claim)
    assert three.defined is not None
    assert (three.defined.max_vcpus, three.defined.max_memory) == (2, 128 * MIB)
    # Three VMs of 64 MiB, 8 + 4 + 8 MiB of disk; the cloud-init medium is charged nothing.
    assert world.usage(project) == {"vms": 3, "vcpus": 3, "memory": 192 * MIB, "disk": 20 * MIB}


def test_what_does_not_fit_is_refused_with_the_decision_and_nothing_is_touched(
    vm: Vm, world: World, project: str, name: str
) -> None:
    before = world.seen()
    for arguments in ((), ("--check",)):
        failed = vm(*arguments, name=name, vcpus=1, memory="2GiB", disks=[{"name": "root", "size": "4MiB"}])
        task = failed.require_failure()
        assert task.result["decision"]["allowed"] is False
        (violation,) = task.result["decision"]["violations"]
        assert (violation["resource"], violation["shortfall"]) == ("memory", str(1024 * MIB))
        assert task.message.startswith(f"Denied: project {project} may not use 2GiB more memory.")
    assert world.seen() == before
    assert world.usage(project) == {}


def test_a_list_is_admitted_all_or_nothing(vm: Vm, world: World, project: str, name: str) -> None:
    vms = [{"name": f"{name}-{number}", "vcpus": 1, "memory": "300MiB"} for number in range(4)]
    task = vm(state="defined", vms=vms).require_failure()
    assert task.result["decision"]["violations"][0]["resource"] == "memory"
    assert not any(each.startswith(name) for each in world.domains())
    assert world.usage(project) == {}


def test_a_start_of_what_nobody_was_admitted_for_is_refused(vm: Vm, world: World, name: str) -> None:
    path = world.layout.dot / "stranger.xml"
    path.write_text(
        f"<domain type='qemu'><name>{name}</name><memory>65536</memory><vcpu>1</vcpu>"
        "<os><type machine='pc'>hvm</type></os></domain>"
    )
    world.virsh("define", str(path))
    task = vm(name=name).require_failure()
    assert task.result["problem"]["code"] == "not_admitted"
    assert "nobody was admitted for it" in task.message
    assert domain(world, name).state == "shutoff"


def test_a_start_of_what_was_released_is_admitted_again_or_refused(
    vm: Vm, world: World, project: str, name: str
) -> None:
    made = done(vm(name=name, state="defined", vcpus=1, memory="64MiB")).result["vm"]
    claim = world.client.get_claim(made["claim"])
    world.client.release_claim(claim["id"], claim["generation"])
    world.client.set_limits(project, {"vms": {"hard": "0"}})
    # What the host holds stays charged, and is no increase: it is admitted again as it is.
    assert done(vm(name=name)).result["vm"]["state"] == "running"
    (item,) = world.client.get_claim(made["claim"])["items"]
    assert item["released"] is False


def test_sizes_change_in_place(vm: Vm, world: World, project: str, name: str) -> None:
    disk = {"name": "root", "size": "4MiB"}
    first = {"name": name, "vcpus": 1, "memory": "64MiB", "max_vcpus": 2, "disks": [disk]}
    done(vm(**first))
    before = domain(world, name)
    live = done(vm(name=name, vcpus=2, memory="64MiB", max_vcpus=2, disks=[{**disk, "size": "8MiB"}]))
    changes = live.result["vm"]["changes"]
    assert any(change.endswith("-> 2 vcpus, 64MiB of memory, live") for change in changes), changes
    assert f"disk default/{name}-root 4MiB -> 8MiB, live" in changes
    now = domain(world, name)
    assert now.uuid == before.uuid
    assert now.live is not None
    assert now.live.vcpus == 2
    assert world.usage(project) == {"vms": 1, "vcpus": 2, "memory": 64 * MIB, "disk": 8 * MIB}

    waits = vm("-v", name=name, vcpus=2, memory="96MiB")
    assert done(waits).changed
    assert "wait for its next start" in json.dumps(waits.task("task").result["warnings"])
    held = domain(world, name)
    assert held.live is not None
    assert held.live.memory == 64 * MIB
    assert held.defined is not None
    assert held.defined.memory == 96 * MIB
    assert not done(vm(name=name, vcpus=2, memory="96MiB")).changed

    restarted = done(vm(name=name, memory="96MiB", allow_restart=True, force=True, shutdown_seconds=0))
    assert restarted.result["vm"]["changes"] == ["powered off", "started"]
    held = domain(world, name)
    assert held.live is not None
    assert held.live.memory == 96 * MIB

    shrunk = vm(name=name, disks=[{**disk, "size": "4MiB"}]).require_failure()
    assert "can't shrink to 4MiB: what lies beyond would be lost" in shrunk.message


def test_a_resize_that_does_not_fit_is_refused(vm: Vm, world: World, name: str) -> None:
    done(vm(name=name, state="defined", vcpus=1, memory="64MiB"))
    before = domain(world, name)
    task = vm(name=name, vcpus=5).require_failure()
    assert task.result["decision"]["violations"][0]["resource"] == "vcpus"
    assert domain(world, name) == before


def test_disks_and_cards_are_plugged_in_and_moved(
    vm: Vm, world: World, project: str, name: str, network: str
) -> None:
    sizes = {"name": name, "vcpus": 1, "memory": "64MiB"}
    done(vm(**sizes, state="defined"))
    disks = [{"name": "data", "size": "4MiB"}]
    more = {**sizes, "state": "defined", "disks": disks, "networks": [{"network": network}]}
    plugged = done(vm(**more))
    assert plugged.changed
    assert not done(vm(**more)).changed
    seen = domain(world, name)
    assert [(disk.target, disk.volume) for disk in seen.disks] == [("vda", f"{name}-data")]
    assert [card.network for card in seen.interfaces] == [network]
    assert world.usage(project)["disk"] == 4 * MIB
    done(vm(**{**more, "networks": [{"bridge": "vmcards0"}]}))
    (card,) = domain(world, name).interfaces
    assert (card.network, card.bridge) == (None, "vmcards0")
    done(vm(**{**more, "networks": []}))
    assert domain(world, name).interfaces == ()


def test_what_is_removed_is_given_back_and_disks_go_only_when_told(
    vm: Vm, world: World, project: str, name: str
) -> None:
    declared = {"name": name, "vcpus": 1, "memory": "64MiB", "disks": [{"name": "root", "size": "4MiB"}]}
    done(vm(**declared))
    refused = vm(name=name, state="absent", shutdown_seconds=1).require_failure()
    assert "did not shut down within 1 s and runs on" in refused.message
    assert domain(world, name).state == "running"
    done(vm(name=name, state="absent", shutdown_seconds=0, force=True))
    assert name not in world.domains()
    assert world.usage(project) == {"disk": 4 * MIB}
    # The disk is still this VM's: it is attached again when the VM is.
    again = done(vm(**declared, state="defined"))
    assert again.changed
    assert [disk.volume for disk in domain(world, name).disks] == [f"{name}-root"]
    gone = done(vm(name=name, state="absent", remove_disks=True))
    assert f"disk default/{name}-root deleted: data loss" in gone.result["vm"]["changes"]
    assert world.usage(project) == {}
    assert not done(vm(name=name, state="absent", remove_disks=True)).changed


def test_a_run_that_was_killed_is_completed_by_the_next(
    vm: Vm, world: World, project: str, name: str
) -> None:
    """What a kill between two steps leaves: a claim with a volume and no domain."""
    declared = {"name": name, "vcpus": 1, "memory": "64MiB", "disks": [{"name": "root", "size": "4MiB"}]}
    made = done(vm(**declared, state="defined")).result["vm"]
    world.virsh("undefine", name)
    completed = done(vm(**declared, state="defined")).result["vm"]
    assert completed["claim"] == made["claim"]
    assert completed["uuid"] == made["uuid"]
    assert world.usage(project) == {"vms": 1, "vcpus": 1, "memory": 64 * MIB, "disk": 4 * MIB}


def test_what_a_killed_resize_claimed_is_lowered(vm: Vm, world: World, project: str, name: str) -> None:
    declared = {"name": name, "state": "defined", "vcpus": 1, "memory": "64MiB"}
    claim = world.client.get_claim(done(vm(**declared)).result["vm"]["claim"])
    amounts = {"vms": "1", "vcpus": "2", "memory": "64MiB"}
    larger = {"key": f"vm:{name}", "kind": "vm", "name": name, "amounts": amounts}
    same = {part: claim[part] for part in ("project", "owner", "fingerprint", "host")}
    world.client.change_claim(claim["id"], generation=claim["generation"], items=[larger], **same)
    assert world.usage(project)["vcpus"] == 2
    assert done(vm(**declared)).result["vm"]["changes"] == ["claim lowered to its size"]
    assert world.usage(project)["vcpus"] == 1
    assert not done(vm(**declared)).changed


def test_a_volume_of_somebody_else_is_left_alone(vm: Vm, world: World, name: str) -> None:
    world.virsh("vol-create-as", "default", f"{name}-root", "4MiB", "--format", "raw")
    task = vm(name=name, vcpus=1, memory="64MiB", disks=[{"name": "root", "size": "8MiB"}]).require_failure()
    assert f"The volume default/{name}-root is there already" in task.message


def test_a_vm_moves_to_another_project(vm: Vm, world: World, project: str, name: str) -> None:
    done(vm(name=name, state="defined", vcpus=1, memory="64MiB"))
    moved = done(vm(name=name, state="defined", project="demo"))
    assert moved.diff["before"]["project"] == project
    assert moved.diff["after"]["project"] == "demo"
    assert world.usage(project) == {}
    assert world.usage("demo")["vms"] == 1
    assert not done(vm(name=name, state="defined", project="demo")).changed
    done(vm(name=name, state="absent", project="demo"))


def test_without_the_api_nothing_is_touched(vm: Vm, world: World, name: str) -> None:
    before = world.seen()
    task = vm(name=name, vcpus=1, memory="64MiB", api_url="http://127.0.0.1:9").require_failure()
    assert "Nothing is admitted without it" in task.message
    assert world.seen() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "say how many vcpus and how much memory it gets"),
        ({"vcpus": 0, "memory": "64MiB"}, "vcpus of"),
        ({"memory": "64 MiB"}, "is not an amount of memory"),
        ({"disks": [{"name": "a", "size": "1"}]}, "must be whole KiB"),
        ({"xml": "<network/>"}, "xml must be a <domain>"),
        ({"uri": "qemu+unix:///system?socket=/nowhere"}, "Check uri, and that libvirtd runs"),
    ],
)
def test_bad_input_is_one_sentence(vm: Vm, name: str, options: dict[str, Any], message: str) -> None:
    task = vm(name=name, **options).require_failure()
    assert message in task.message
    assert "Traceback" not in task.message
