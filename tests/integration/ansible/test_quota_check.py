"""limen.platform.quota_check: decided as at admission, never charged."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world import guests
from tests.world.stack import Stack
from tests.world.world import World


def quota_check(**options: Any) -> str:
    """A playbook that asks, and would then build."""
    return f"""
- hosts: localhost
  gather_facts: false
  tasks:
    - name: check
      limen.platform.quota_check: {json.dumps(options)}
    - name: build
      ansible.builtin.debug:
        msg: built
"""


@pytest.fixture(scope="module")
def stack(world: World) -> Iterator[Stack]:
    """A stack of one idle VM that was never brought up."""
    made = world.stack("check")
    made.configure(world.document({"web": guests.vm()}, number=61))
    yield made
    held = [claim["owner"] for claim in world.client.list_claims(project="demo") if claim["state"] == "held"]
    assert held == [], "a check charged something"


@pytest.fixture(scope="module")
def preview_file(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pulumi preview --json` of `stack`."""
    path = tmp_path_factory.mktemp("preview") / "preview.json"
    path.write_text(stack.preview("--json").require().output)
    return path


def test_apply_reapply_check(
    apply_reapply_check: Callable[..., Run], operator: Setting, world: World, project: str, preview_file: Path
) -> None:
    variables = {"project": project, "host": world.host, "preview_file": str(preview_file)}
    run = apply_reapply_check("quota_check", as_=operator, variables=variables)
    assert run.changed == []
    assert world.usage(project) == {}
    asked = run.task("Ask with VMs").result["decision"]
    requested = {line["resource"]: line["requested"] for line in asked["lines"] if line["scope"] == project}
    assert requested == {
        "vms": "2",
        "vcpus": "2",
        "memory": str(256 * 2**20),
        "disk": str(136 * 2**20),
    }
    assert {line["scope_kind"] for line in asked["lines"]} == {"project", "host"}
    by_preview = run.task("Ask with a preview in a file").result["decision"]
    requested = {
        line["resource"]: line["requested"] for line in by_preview["lines"] if line["scope"] == "demo"
    }
    assert requested == {
        "vms": "1",
        "vcpus": "1",
        "memory": str(64 * 2**20),
        "disk": str(8 * 2**20),
        "networks": "1",
    }
    assert run.task("Ask with a preview").result["decision"] == by_preview


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_what_does_not_fit_stops_the_play_with_the_arithmetic(
    ansible_playbook: RunPlaybook,
    operator: Setting,
    world: World,
    project: str,
    arguments: tuple[str, ...],
) -> None:
    text = quota_check(project=project, amounts={"memory": "2GiB", "vms": 5, "disk": "1MiB"})
    run = ansible_playbook(text, *arguments, as_=operator)
    failed = run.require_failure()
    assert run.code == 2
    assert [task.name for task in run.tasks] == ["check"]
    assert failed.message.startswith(f"Denied: project {project} may not use 5 more vms.")
    assert f"project {project} may not use 2GiB more memory." in failed.message
    decision = failed.result["decision"]
    assert [line["resource"] for line in decision["violations"]] == ["vms", "memory"]
    assert failed.result["allowed"] is False
    assert world.usage(project) == {}


def test_a_rescue_reads_the_decision(ansible_playbook: RunPlaybook, operator: Setting, project: str) -> None:
    run = ansible_playbook(
        """
- hosts: localhost
  gather_facts: false
  tasks:
    - block:
        - name: check
          limen.platform.quota_check:
            project: "{{ project }}"
            amounts: {memory: 4GiB}
          register: answer
      rescue:
        - name: take what fits
          ansible.builtin.debug:
            msg: "{{ (answer.decision.lines | first).largest }}"
""",
        as_=operator,
        variables={"project": project},
    ).require()
    assert run.task("take what fits").message == str(2**30)


def test_bounds_and_capacity_are_judged_with_a_host(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, project: str
) -> None:
    world.client.set_bounds(project, {"memory": {"maximum": "64MiB"}})
    vms = [{"name": "web", "vcpus": 1, "memory": "128MiB"}]
    denied = ansible_playbook(quota_check(project=project, host=world.host, vms=vms), as_=operator)
    assert denied.require_failure().result["decision"]["violations"][0]["reason"] == "above_maximum"
    ansible_playbook(quota_check(project=project, vms=vms), as_=operator).require()


def test_a_preview_charged_to_another_project_is_refused(
    ansible_playbook: RunPlaybook, operator: Setting, project: str, preview_file: Path
) -> None:
    text = quota_check(project=project, preview_file=str(preview_file))
    failed = ansible_playbook(text, as_=operator).require_failure()
    assert failed.message == f"The preview is charged to project demo, not to {project}."


def test_a_preview_that_does_not_fit_any_more_is_denied(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, preview_file: Path
) -> None:
    world.client.set_limits("demo", {"memory": {"hard": "32MiB"}})
    try:
        failed = ansible_playbook(quota_check(preview_file=str(preview_file)), as_=operator).require_failure()
    finally:
        world.client.set_limits("demo", {"memory": {"hard": "256MiB"}})
    assert failed.message.startswith("Denied: project demo may not use 64MiB more memory.")


def test_a_preview_that_was_denied_itself_is_asked_about_again(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, stack: Stack, tmp_path: Path
) -> None:
    stack.configure(world.document({"web": guests.vm(memory="1GiB")}, number=61))
    preview = stack.preview("--json")
    assert preview.code != 0
    path = tmp_path / "denied.json"
    path.write_text(preview.output)
    check = quota_check(preview_file=str(path))
    failed = ansible_playbook(check, as_=operator).require_failure()
    assert failed.message.startswith("Denied: project demo may not use 1GiB more memory.")
    assert failed.result["allowed"] is False
    decision = failed.result["decision"]
    (short,) = decision["violations"]
    assert (short["scope"], short["resource"], short["requested"]) == ("demo", "memory", str(2**30))
    assert {line["scope_kind"] for line in decision["lines"]} == {"project", "host"}
    assert "limen:question" not in stack.preview().output, "people have no use for it"

    world.client.set_limits("demo", {"memory": {"hard": "2GiB"}})
    try:
        failed = ansible_playbook(check, as_=operator).require_failure()
    finally:
        world.client.set_limits("demo", {"memory": {"hard": "256MiB"}})
    assert failed.message.startswith("The preview itself failed: ")
    assert failed.message.endswith("It would fit by now: make the preview again.")
    assert failed.result["decision"]["allowed"] is True
