"""Every module of the API that can't ask fails with one clear sentence, and shows no token."""

import json
from pathlib import Path

import pytest

from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world.world import World

TOKEN = "not-a-token-of-anybody"
# What each module needs at least.
MODULES = {
    "project": {"name": "nobody"},
    "quota": {"project": "demo", "limits": [{"resource": "vms", "hard": 1}]},
    "quota_info": {"project": "demo"},
    "quota_check": {"project": "demo", "amounts": {"vms": 1}},
    "quota_claim": {
        "name": "x",
        "project": "demo",
        "host": "h",
        "items": [{"name": "x", "kind": "vm", "amounts": {"vcpus": 1}}],
    },
    "quota_reconcile": {"repair": [{"action": "release"}]},
}


def playbook() -> str:
    """Every module once; a failure does not stop the play."""
    tasks = [
        {"name": module, f"limen.platform.{module}": options, "ignore_errors": True}
        for module, options in MODULES.items()
    ]
    return json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}])


def messages(run: Run) -> set[str]:
    """What the tasks said; all of them failed."""
    assert [task.name for task in run.tasks if task.failed] == list(MODULES)
    assert not any("Traceback" in json.dumps(task.result) for task in run.tasks)
    return {task.message for task in run.tasks}


def test_api_away(ansible_playbook: RunPlaybook) -> None:
    run = ansible_playbook(playbook(), environment={"LIMEN_API_URL": "http://127.0.0.1:1"})
    (message,) = messages(run)
    assert message.startswith("limen-api at http://127.0.0.1:1 can't be reached (")
    assert message.endswith("check that it runs and that api_url is right.")


def test_token_refused(ansible_playbook: RunPlaybook, world: World) -> None:
    before = world.client.list_projects(), world.client.get_quota("demo"), world.client.list_claims()
    run = ansible_playbook(playbook(), "-vvv", environment={"LIMEN_TOKEN": TOKEN})
    (message,) = messages(run)
    assert message.endswith("Check api_token, api_token_file, LIMEN_TOKEN and LIMEN_TOKEN_FILE.")
    assert TOKEN not in run.output
    assert (
        world.client.list_projects(),
        world.client.get_quota("demo"),
        world.client.list_claims(),
    ) == before


@pytest.mark.parametrize("variable", ["LIMEN_TOKEN", "LIMEN_TOKEN_FILE"])
def test_no_token(ansible_playbook: RunPlaybook, variable: str) -> None:
    (message,) = messages(ansible_playbook(playbook(), environment={"LIMEN_TOKEN_FILE": "", variable: ""}))
    assert message == "No API token: set api_token, api_token_file, LIMEN_TOKEN or LIMEN_TOKEN_FILE."


def test_token_in_clear_to_another_machine(ansible_playbook: RunPlaybook) -> None:
    (message,) = messages(ansible_playbook(playbook(), environment={"LIMEN_API_URL": "http://192.0.2.1"}))
    assert message == (
        "api_url would send the token to 192.0.2.1 in clear: use https, or a loopback address."
    )


def test_the_token_is_never_shown(
    ansible_playbook: RunPlaybook, administrator: Setting, tmp_path: Path
) -> None:
    """Not by -vvv, not in results, whichever way it was given."""
    token = administrator.token_file.read_text().strip()
    ways = {
        "options": {"api_token": "{{ token }}"},
        "file": {"api_token_file": str(administrator.token_file)},
    }
    tasks = [
        {
            "name": way,
            "limen.platform.quota_check": {**options, "project": "demo", "amounts": {"vms": 10**6}},
            "ignore_errors": True,
        }
        for way, options in {**ways, "environment": {}}.items()
    ]
    run = ansible_playbook(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]),
        "-vvv",
        environment={"LIMEN_TOKEN": token, "LIMEN_TOKEN_FILE": ""},
        variables={"token": token},
    )
    assert [task.message.split(":")[0] for task in run.tasks] == ["Denied"] * 3
    assert token not in run.output
