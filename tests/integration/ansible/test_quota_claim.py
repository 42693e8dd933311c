"""limen.platform.quota_claim: other tasks guarded by a reservation, on a real host."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world.world import World

# Each test runs several playbooks, which takes its time on a machine that does other things as well.
pytestmark = pytest.mark.timeout(900)
MIB = 2**20


@pytest.fixture
def volume(world: World) -> Iterator[str]:
    """Name of a volume that a playbook may make; gone afterwards."""
    name = f"scratch-{uuid4().hex[:6]}"
    yield name
    argv = ["virsh", "--connect", world.uri, "vol-delete", name, "--pool", "default"]
    subprocess.run(argv, capture_output=True, check=False)


def claim(**options: Any) -> str:
    """A playbook of one task."""
    options = {"name": "scratch", **options}
    return f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - name: claim
      limen.platform.quota_claim: {json.dumps(options)}
"""


def disk(volume: str, size: str = "8MiB") -> dict[str, Any]:
    return {"name": "scratch", "kind": "disk", "volume": f"default/{volume}", "amounts": {"disk": size}}


def item(world: World, project: str) -> dict[str, Any]:
    """The one item of the one claim of the project."""
    ((only,),) = [each["items"] for each in world.client.list_claims(project=project)]
    found: dict[str, Any] = only
    return found


def test_apply_reapply_check(
    apply_reapply_check: Callable[..., Run],
    ansible_playbook: RunPlaybook,
    operator: Setting,
    world: World,
    project: str,
    volume: str,
) -> None:
    variables = {"project": project, "host": world.host, "uri": world.uri, "volume": volume}
    run = apply_reapply_check("quota_claim", as_=operator, variables=variables)
    assert run.changed == ["Reserve it"]
    assert run.task("Reserve it").diff["after"] == {"disk:scratch": "disk=8MiB"}
    assert item(world, project)["state"] == "committed"
    assert world.usage(project) == {"disk": 8 * MIB}
    # Given up, but there: it stays charged until it is gone.
    text = claim(project=project, state="released", wait_seconds=1)
    released = ansible_playbook(text, as_=operator).require()
    assert released.task("claim").changed
    assert "Still charged" in released.output
    assert world.usage(project) == {"disk": 8 * MIB}
    world.virsh("vol-delete", volume, "--pool", "default")
    again = ansible_playbook(claim(project=project, state="released"), as_=operator).require()
    assert again.task("claim").changed is False
    assert world.usage(project) == {}


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_what_does_not_fit_is_denied_and_holds_nothing(
    ansible_playbook: RunPlaybook,
    operator: Setting,
    world: World,
    project: str,
    arguments: tuple[str, ...],
) -> None:
    text = claim(project=project, host=world.host, items=[disk("any", "2GiB")])
    failed = ansible_playbook(text, *arguments, as_=operator).require_failure()
    assert failed.message.startswith(f"Denied: project {project} may not use 2GiB more disk.")
    assert failed.result["decision"]["violations"][0]["shortfall"] == str(2**30)
    assert world.client.list_claims(project=project) == []


def test_a_block_that_fails_leaves_nothing_charged(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, project: str, volume: str
) -> None:
    run = ansible_playbook(
        """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/limen.platform.api:
      api_token_file: "{{ token_file }}"
    limen.platform.quota_claim:
      name: scratch
      project: "{{ project }}"
  tasks:
    - block:
        - name: reserve
          limen.platform.quota_claim:
            host: "{{ host }}"
            items:
              - {name: scratch, kind: disk, volume: "default/{{ volume }}", amounts: {disk: 8MiB}}
        - name: build
          ansible.builtin.command:
            cmd: "false"
      rescue:
        - name: give up
          limen.platform.quota_claim:
            state: released
""",
        as_=operator,
        environment={"LIMEN_TOKEN_FILE": "/nowhere"},
        variables={
            "project": project,
            "host": world.host,
            "volume": volume,
            "token_file": str(operator.token_file),
        },
    )
    assert [task.name for task in run.tasks if task.failed] == ["build"]
    assert run.task("give up").changed
    assert run.stats["localhost"]["rescued"] == 1
    assert world.usage(project) == {}


def test_nothing_built_is_not_committed(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, project: str, volume: str
) -> None:
    ansible_playbook(claim(project=project, host=world.host, items=[disk(volume)]), as_=operator).require()
    held = item(world, project)
    assert (held["state"], held["fence"]) == ("building", "1")
    committed = ansible_playbook(claim(project=project, state="committed", wait_seconds=1), as_=operator)
    assert committed.require_failure().message.startswith(
        "The host does not show disk:scratch: build each VM"
    )
    assert world.usage(project) == {"disk": 8 * MIB}


def test_signs_of_life_move_the_deadline(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, project: str, volume: str
) -> None:
    ansible_playbook(claim(project=project, host=world.host, items=[disk(volume)]), as_=operator).require()
    first = item(world, project)["deadline"]
    ansible_playbook(claim(project=project, state="kept", wait_seconds=1), as_=operator).require()
    kept = item(world, project)["deadline"]
    assert kept > first
    again = claim(project=project, host=world.host, items=[disk(volume)])
    assert ansible_playbook(again, as_=operator).require().changed == []
    assert item(world, project)["deadline"] > kept


def test_signs_of_life_in_the_background(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, project: str, volume: str
) -> None:
    run = ansible_playbook(
        """
- hosts: localhost
  gather_facts: false
  module_defaults:
    limen.platform.quota_claim: {name: scratch, project: "{{ project }}"}
  tasks:
    - name: reserve
      limen.platform.quota_claim:
        host: "{{ host }}"
        items: "{{ items_of_it }}"
    - name: keep
      limen.platform.quota_claim: {state: kept, wait_seconds: 3}
      async: 60
      poll: 0
      register: keeper
    - name: wait for the keeper
      ansible.builtin.async_status:
        jid: "{{ keeper.ansible_job_id }}"
      register: kept
      until: kept.finished
      retries: 60
      delay: 1
""",
        as_=operator,
        variables={"project": project, "host": world.host, "items_of_it": [disk(volume)]},
    ).require()
    reserved = run.task("reserve").result["claim"]["items"][0]
    kept = run.tasks[-1].result["claim"]["items"][0]
    assert kept["state"] == "building"
    assert kept["deadline"] > reserved["deadline"]


def test_a_network_is_committed_by_the_uuid_that_the_claim_has_for_it(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, project: str, tmp_path: Path
) -> None:
    name = f"net-{uuid4().hex[:6]}"
    items = [{"name": name, "kind": "network"}]
    reserved = ansible_playbook(claim(project=project, host=world.host, items=items), as_=operator).require()
    identity = reserved.task("claim").result["uuids"][f"network:{name}"]
    definition = tmp_path / "network.xml"
    definition.write_text(
        f"<network><name>{name}</name><uuid>{identity}</uuid><bridge name='br{name[4:]}'/></network>"
    )
    world.virsh("net-define", str(definition))
    try:
        ansible_playbook(claim(project=project, state="committed"), as_=operator).require()
        assert world.usage(project) == {"networks": 1}
    finally:
        world.virsh("net-undefine", name)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"volume": None}, "a disk needs volume, written pool/name"),
        ({"amounts": {}}, "amounts says nothing"),
        ({"amounts": {"disk": "8MB"}}, "'8MB' is not an amount of disk"),
        ({"key": "Disk 1"}, "'Disk 1' is not an item key"),
    ],
)
def test_bad_input_reserves_nothing(
    ansible_playbook: RunPlaybook,
    operator: Setting,
    world: World,
    project: str,
    changed: dict[str, Any],
    message: str,
) -> None:
    text = claim(project=project, host=world.host, items=[{**disk("any"), **changed}])
    assert message in ansible_playbook(text, as_=operator).require_failure().message
    assert world.client.list_claims(project=project) == []
