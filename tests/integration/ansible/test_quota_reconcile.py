"""limen.platform.quota_reconcile: names what ledger and host do not agree on, repairs what it is told to."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from limen.client import Client
from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world.world import World

# Each test runs several playbooks, which takes its time on a machine that does other things as well.
pytestmark = pytest.mark.timeout(900)
MIB = 2**20


def reconcile(world: World, **options: Any) -> str:
    """A playbook of one task."""
    return f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - name: reconcile
      limen.platform.quota_reconcile: {json.dumps({"host": world.host, **options})}
"""


@dataclass
class Disk:
    """A volume of the project that is claimed and there."""

    world: World
    project: str
    name: str

    def make(self, mib: int = 8) -> None:
        self.world.virsh("vol-create-as", "default", self.name, f"{mib}M", "--format", "qcow2")
        self.world.client.scan_host(self.world.host)

    def delete(self) -> None:
        self.world.virsh("vol-delete", self.name, "--pool", "default")
        self.world.client.scan_host(self.world.host)

    def resize(self, mib: int) -> None:
        self.world.virsh("vol-resize", self.name, f"{mib}M", "--pool", "default")

    @property
    def client(self) -> Client:
        return self.world.client


@pytest.fixture
def disk(world: World, project: str) -> Iterator[Disk]:
    made = Disk(world, project, f"d-{uuid4().hex[:6]}")
    world.client.create_claim(
        str(uuid4()),
        project=project,
        owner={"kind": "vm", "name": made.name},
        fingerprint={"backend": "test", "project": "test", "stack": made.name},
        host=world.host,
        items=[
            {
                "key": f"disk:{made.name}",
                "kind": "disk",
                "name": made.name,
                "volume": f"default/{made.name}",
                "amounts": {"disk": 8 * MIB},
            }
        ],
    )
    made.make()
    yield made
    if made.name in world.virsh("vol-list", "default"):
        made.delete()


def findings(task_result: dict[str, Any], name: str) -> list[tuple[str, list[str]]]:
    return [(each["kind"], each["actions"]) for each in task_result["findings"] if each["name"] == name]


def test_apply_reapply_check(
    apply_reapply_check: Callable[..., Run], world: World, project: str, disk: Disk
) -> None:
    disk.delete()
    run = apply_reapply_check("quota_reconcile", variables={"project": project, "host": world.host})
    assert run.changed == ["Give up what is gone"]
    assert findings(run.task("Look").result, disk.name) == [("ghost", ["release"])]
    diff = run.task("Give up what is gone").diff
    assert [text for text in diff["before"].values() if disk.name in text] == [
        f"ghost {disk.name}: claimed disk=8MiB, seen nothing"
    ]
    assert [text for text in diff["after"].values() if disk.name in text] == []
    assert world.usage(project) == {}


def test_drift_is_claimed_as_told_and_lowered_as_told(
    ansible_playbook: RunPlaybook, world: World, project: str, disk: Disk
) -> None:
    def claimed() -> int:
        (claim,) = world.client.list_claims(project=project)
        return int(claim["items"][0]["claimed"]["disk"]) // MIB

    disk.resize(16)
    told = reconcile(world, repair=[{"action": "claim", "name": disk.name}])
    assert ansible_playbook(told, "--check").require().changed
    assert claimed() == 8
    assert ansible_playbook(told).require().changed
    assert claimed() == 16
    disk.delete()
    disk.make(8)
    told = reconcile(world, scan=False, repair=[{"action": "lower", "name": disk.name}])
    assert ansible_playbook(told).require().changed
    assert claimed() == 8


def test_without_being_told_nothing_is_repaired(
    ansible_playbook: RunPlaybook, world: World, project: str, disk: Disk
) -> None:
    disk.delete()
    other = reconcile(world, repair=[{"action": "release", "project": "demo"}, {"action": "claim"}])
    for text in (reconcile(world), other):
        run = ansible_playbook(text).require()
        assert run.changed == []
        assert findings(run.task("reconcile").result, disk.name) == [("ghost", ["release"])]
    assert world.usage(project) == {"disk": 8 * MIB}


def test_an_orphan_is_named_to_administrators_and_never_touched(
    ansible_playbook: RunPlaybook, operator: Setting, world: World
) -> None:
    name = f"o-{uuid4().hex[:6]}"
    world.virsh("vol-create-as", "default", name, "1M", "--format", "qcow2")
    try:
        told = reconcile(world, repair=[{"action": "release"}, {"action": "lower"}, {"action": "claim"}])
        assert findings(ansible_playbook(told).require().task("reconcile").result, name) == [
            ("orphan", ["adopt"])
        ]
        shown = ansible_playbook(reconcile(world), as_=operator).require().task("reconcile").result
        assert findings(shown, name) == []
        assert name in world.virsh("vol-list", "default")
    finally:
        world.virsh("vol-delete", name, "--pool", "default")
        world.client.scan_host(world.host)


def test_an_orphan_is_adopted_into_a_project_that_has_room(
    ansible_playbook: RunPlaybook, world: World, project: str
) -> None:
    name = f"o-{uuid4().hex[:6]}"
    told = reconcile(world, repair=[{"action": "adopt", "name": name, "project": project}])
    world.virsh("vol-create-as", "default", name, "8M", "--format", "qcow2")
    try:
        world.client.set_limits(project, {"disk": {"hard": "4MiB"}})
        denied = ansible_playbook(told, "--check").require_failure()
        assert denied.message.startswith(f"Not repaired: adopt orphan:{world.host}:disk:default/{name}: ")
        assert denied.result["repairs"][0]["decision"]["violations"][0]["shortfall"] == str(4 * MIB)
        assert denied.changed is False
        world.client.set_limits(project, {"disk": {"hard": "8MiB"}})
        assert ansible_playbook(told, "--check").require().changed
        assert world.usage(project) == {}
        assert ansible_playbook(told).require().changed
        assert world.usage(project) == {"disk": 8 * MIB}
        assert ansible_playbook(told).require().changed == []
    finally:
        world.virsh("vol-delete", name, "--pool", "default")
        world.client.scan_host(world.host)


def test_a_finding_that_is_not_there_fails(ansible_playbook: RunPlaybook, world: World) -> None:
    told = reconcile(world, repair=[{"action": "release", "finding": "ghost:x:disk:y"}])
    failed = ansible_playbook(told).require_failure()
    assert failed.message == "There is no finding ghost:x:disk:y that offers release."
