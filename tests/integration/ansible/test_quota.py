"""limen.platform.quota and quota_info against the real API."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world.world import World

ONE_TASK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: task
      limen.platform.{}: {}
"""


def quota(**options: Any) -> str:
    """A playbook of one task."""
    return ONE_TASK.format("quota", json.dumps(options))


def test_apply_reapply_check(apply_reapply_check: Callable[..., Run], world: World, project: str) -> None:
    run = apply_reapply_check("quota", variables={"project": project})
    assert run.changed == ["Set limits and bounds", "Take a limit away"]
    held = world.client.get_quota(project)
    limits = {each["resource"]: each for each in held["resources"]}
    assert {name: limit["hard"] for name, limit in limits.items()} == {
        "vms": "8",
        "vcpus": "4",
        "memory": str(8 * 2**30),
        "disk": str(2**30),
        "networks": "unlimited",
        "device:gpu": "2",
    }
    assert (limits["memory"]["soft"], limits["memory"]["grace_seconds"]) == (str(6 * 2**30), 7 * 86400)
    assert held["own_bounds"]["vcpus"] == {"minimum": "1", "maximum": "4", "default": "2"}
    diff = run.task("Set limits and bounds").diff
    assert diff["before"]["limits"]["memory"] == {"hard": "1GiB"}
    assert diff["after"]["limits"]["memory"] == {"hard": "8GiB", "soft": "6GiB", "grace": "1w"}


def test_quota_info_apply_reapply_check(apply_reapply_check: Callable[..., Run], project: str) -> None:
    run = apply_reapply_check("quota_info", variables={"project": project})
    (one,) = run.task("Look at one project").result["projects"]
    assert {each["resource"]: each["left"] for each in one["resources"]}["memory"] == str(2**30)
    everything = [each["project"] for each in run.task("Look at every project").result["projects"]]
    assert {"demo", project} <= set(everything)


def test_purge_takes_away_what_is_not_named(
    ansible_playbook: RunPlaybook, world: World, project: str
) -> None:
    world.client.set_bounds(project, {"vcpus": {"maximum": "2"}})
    text = quota(project=project, limits=[{"resource": "vms", "hard": "1"}], purge=True)
    done = ansible_playbook(text).require().task("task").result
    assert done["limits"] == {"vms": {"hard": "1"}}
    assert done["bounds"] == {}
    held = world.client.get_quota(project)
    assert [each["resource"] for each in held["resources"]] == ["vms"]
    assert held["own_bounds"] == {}


GOOD = {"resource": "vms", "hard": "3"}


BAD: dict[str, dict[str, Any]] = {
    "'8G' is not an amount of memory": {"limits": [GOOD, {"resource": "memory", "hard": "8G"}]},
    "'cpus' is not a resource": {"limits": [GOOD, {"resource": "cpus", "hard": "8"}]},
    "limits names vms twice": {"limits": [GOOD, GOOD]},
    "The soft limit of vms is above the hard one": {"limits": [{**GOOD, "soft": "4"}]},
    "must be minimum <= default <= maximum": {
        "limits": [GOOD],
        "bounds": [{"resource": "vcpus", "minimum": "3", "maximum": "2"}],
    },
    "'True' is not an amount of vcpus": {
        "limits": [GOOD],
        "bounds": [{"resource": "vcpus", "default": True}],
    },
}


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_bad_input_changes_nothing(
    ansible_playbook: RunPlaybook, world: World, project: str, arguments: tuple[str, ...]
) -> None:
    before = world.client.get_quota(project)
    tasks = [
        {"name": message, "limen.platform.quota": {"project": project, **options}, "ignore_errors": True}
        for message, options in BAD.items()
    ]
    text = json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])
    run = ansible_playbook(text, *arguments)
    assert [task.name for task in run.tasks if task.failed] == list(BAD)
    assert [task.message for task in run.tasks if task.name not in task.message] == []
    assert world.client.get_quota(project) == before


def test_a_project_that_an_earlier_task_makes_does_not_fail_check_mode(ansible_playbook: RunPlaybook) -> None:
    text = quota(project="nobody", limits=[GOOD])
    foretold = ansible_playbook(text, "--check", "--diff").require().task("task")
    assert foretold.diff["after"]["limits"] == {"vms": {"hard": "3"}}
    assert "there is no project nobody" in ansible_playbook(text).require_failure().message


def test_limits_are_not_set_by_the_projects_own_operator(
    ansible_playbook: RunPlaybook, operator: Setting, world: World, project: str
) -> None:
    before = world.client.get_quota(project)
    failed = ansible_playbook(quota(project=project, limits=[GOOD]), as_=operator).require_failure()
    assert "limits:write" in failed.message
    assert failed.result["problem"]["code"] == "forbidden"
    assert world.client.get_quota(project) == before
