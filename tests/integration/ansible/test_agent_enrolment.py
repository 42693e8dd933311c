"""Role agent has its host's token issued by a real API; the rest of the role is proven on VMs by molecule."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from limen.agent.control_plane import ControlPlaneClient
from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook
from tests.world.world import OPERATOR

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: agent
        tasks_from: token
"""
NEW_TOKEN = ["agent : Issue it", "agent : Write the token for the control plane"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "agent-token"


@pytest.fixture
def enrol(ansible_playbook: RunPlaybook, administrator: Setting, file: Path) -> Callable[..., Run]:
    """Sees to the token of the world's own host, with these variables."""

    def run(*arguments: str, **variables: object) -> Run:
        given = {
            "agent_api_url": administrator.world.authority.url,
            "agent_administrator_token": administrator.token_file.read_text().strip(),
            "agent_host": administrator.world.client.get_host(administrator.world.host)["name"],
            "agent_user": "root",
            "agent_token_file": str(file),
            **variables,
        }
        return ansible_playbook(PLAYBOOK, *arguments, variables=given)

    return run


@pytest.fixture
def tokens(administrator: Setting) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Tokens of the host that are good, newest last; all are revoked afterwards."""
    client, host = administrator.world.client, administrator.world.host

    def good() -> list[dict[str, Any]]:
        return [each for each in client.list_tokens() if each["host"] == host and each["revoked"] is None]

    yield good
    for token in good():
        client.revoke_token(token["id"])


def test_a_token_is_issued_once_and_anew_when_it_is_refused(
    enrol: Callable[..., Run], tokens: Callable[[], list[dict[str, Any]]], administrator: Setting, file: Path
) -> None:
    world = administrator.world
    first = enrol().require()
    assert [name for name in first.changed if name != "agent : Make the user whose token it is"] == NEW_TOKEN
    assert file.stat().st_mode & 0o777 == 0o640
    assert ControlPlaneClient(world.authority.url, file).read_clock(world.host)
    assert file.read_text().strip() not in first.output

    assert enrol().require().changed == []
    (issued,) = tokens()

    world.client.revoke_token(issued["id"])
    assert enrol().require().changed == NEW_TOKEN
    assert ControlPlaneClient(world.authority.url, file).read_clock(world.host)


def test_a_token_that_was_lost_is_revoked_when_another_takes_its_place(
    enrol: Callable[..., Run], tokens: Callable[[], list[dict[str, Any]]], administrator: Setting, file: Path
) -> None:
    world = administrator.world
    enrol().require()
    (lost,) = tokens()
    # An administrator's, for the same host: it is not the role's.
    made = world.client.create_token(OPERATOR, ["host:report"], 600, host=world.host)
    file.unlink()

    changed = enrol().require().changed

    assert changed == [NEW_TOKEN[0], "agent : Revoke those that this one replaces", NEW_TOKEN[1]]
    left = {each["id"] for each in tokens()}
    assert lost["id"] not in left
    assert made["id"] in left
    assert len(left) == 2


def test_check_mode_foretells_a_token_and_issues_none(
    enrol: Callable[..., Run], tokens: Callable[[], list[dict[str, Any]]], file: Path
) -> None:
    foretold = enrol("--check", "--diff").require()
    assert "agent : Say what check mode cannot ask the control plane to do" in foretold.changed
    assert tokens() == []
    assert not file.exists()


def test_limen_api_is_told_once_where_the_agent_is(
    enrol: Callable[..., Run], tokens: Callable[[], list[dict[str, Any]]], administrator: Setting
) -> None:
    client, host = administrator.world.client, administrator.world.host
    try:
        assert "agent : Tell it" in enrol(agent_reached_at="http://127.0.0.1:9000").require().changed
        assert client.get_host(host)["agent_url"] == "http://127.0.0.1:9000"
        assert enrol(agent_reached_at="http://127.0.0.1:9000").require().changed == []
        refused = enrol(agent_reached_at="http://192.0.2.1:9000").require_failure()
        assert "must be https, or a loopback address" in refused.message
    finally:
        client.set_agent(host, None)


def test_a_host_that_is_not_registered_is_one_sentence(enrol: Callable[..., Run]) -> None:
    run = enrol(agent_host="nowhere")
    assert "issued no token for the agent of nowhere: " in run.require_failure().message


def test_a_control_plane_that_is_away_is_one_sentence(enrol: Callable[..., Run]) -> None:
    run = enrol(agent_api_url="http://127.0.0.1:9")
    assert "does not say whether it takes the token" in run.require_failure().message
