"""limen.platform.project against the real API."""

import json
from collections.abc import Callable

from tests.integration.ansible.conftest import OPERATOR
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world.world import World

ONE_TASK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: project
      limen.platform.project: {}
"""


def test_apply_reapply_check(apply_reapply_check: Callable[..., Run], world: World) -> None:
    run = apply_reapply_check("project", variables={"tree": "pa", "user": OPERATOR})
    assert run.changed == ["Make the parent", "Make a project below it, with an operator"]
    assert world.client.get_project("pa-share")["chain"] == ["pa-share", "pa"]
    roles = {user["name"]: user["roles"] for user in world.client.list_users()}
    assert roles[OPERATOR]["pa-share"] == "operator"


def task(**options: str) -> str:
    """A playbook of one task."""
    return ONE_TASK.format(json.dumps(options))


def test_a_parent_that_is_not_given_stays(ansible_playbook: RunPlaybook, world: World) -> None:
    world.client.create_project("pf")
    world.client.create_project("pf-child", "pf")
    left = ansible_playbook(task(name="pf-child")).require().task("project")
    assert (left.changed, left.result["project"]["parent"]) == (False, "pf")


def test_a_move_is_shown_and_made(ansible_playbook: RunPlaybook, world: World) -> None:
    for name in ("pb", "pb-other"):
        world.client.create_project(name)
    world.client.create_project("pb-moved", "pb")
    moved = ansible_playbook(task(name="pb-moved", parent="pb-other"), "--diff").require().task("project")
    assert (moved.diff["before"], moved.diff["after"]) == ({"parent": "pb"}, {"parent": "pb-other"})
    ansible_playbook(task(name="pb-moved", parent="")).require()
    assert world.client.get_project("pb-moved")["parent"] is None


def test_what_can_not_be_deleted_fails_in_check_mode_too(ansible_playbook: RunPlaybook, world: World) -> None:
    world.client.create_project("pc")
    world.client.create_project("pc-child", "pc")
    absent = task(name="pc", state="absent")
    for arguments in ((), ("--check",)):
        failed = ansible_playbook(absent, *arguments).require_failure()
        assert "has projects below it: delete or move them first" in failed.message
    assert ansible_playbook(task(name="pc-child", state="absent")).require().changed
    assert ansible_playbook(absent).require().changed
    assert not [each for each in world.client.list_projects() if each["name"].startswith("pc")]


def test_a_cycle_is_refused(ansible_playbook: RunPlaybook, world: World) -> None:
    world.client.create_project("pd")
    world.client.create_project("pd-child", "pd")
    for arguments in (("--check",), ()):
        failed = ansible_playbook(task(name="pd", parent="pd-child"), *arguments)
        assert "choose a parent outside of pd" in failed.require_failure().message


def test_a_parent_that_is_made_by_an_earlier_task_does_not_fail_check_mode(
    ansible_playbook: RunPlaybook,
) -> None:
    text = task(name="pe", parent="nobody")
    foretold = ansible_playbook(text, "--check").require()
    assert foretold.changed
    assert "There is no project nobody now" in foretold.output
    assert "nobody" in ansible_playbook(text).require_failure().message
