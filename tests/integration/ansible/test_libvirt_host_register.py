"""Role libvirt_host registers its host at a real API; the rest of the role is proven on VMs by molecule."""

import pytest

from tests.integration.ansible.conftest import Setting
from tests.integration.ansible.runner import Run, RunPlaybook

PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: libvirt_host
        tasks_from: register
"""


@pytest.fixture
def register(ansible_playbook: RunPlaybook, administrator: Setting) -> RunPlaybook:
    """Runs the registration of the world's own host, as `name` and with these variables."""
    host = administrator.world.client.get_host(administrator.world.host)

    def run(*arguments: str, **variables: object) -> Run:
        given = {
            "libvirt_host_api_url": administrator.world.authority.url,
            "libvirt_host_api_token": administrator.token_file.read_text().strip(),
            "libvirt_host_uri": administrator.world.uri,
            "libvirt_host_name": host["name"],
            # As the world registered it, so that it stays as other tests need it.
            "libvirt_host_overcommit": {each["resource"]: each["overcommit"] for each in host["resources"]},
            **variables,
        }
        return ansible_playbook(PLAYBOOK, *arguments, variables=given)

    return run


def test_known_host_is_no_change(register: RunPlaybook) -> None:
    assert register().require().changed == []


def test_reserve_of_a_known_host_changes_and_then_no_more(
    register: RunPlaybook, administrator: Setting
) -> None:
    try:
        first = register(libvirt_host_reserve={"memory": "16MiB"}).require()
        assert first.changed == ["libvirt_host : Register the host, or bring what is known of it up to date"]
        held = administrator.world.client.get_host(administrator.world.host)["resources"]
        assert {each["resource"]: each["reserve"] for each in held}["memory"] == str(16 * 1024**2)
        assert register(libvirt_host_reserve={"memory": "16MiB"}).require().changed == []
    finally:
        register(libvirt_host_reserve={"memory": "0"}).require()


def test_check_mode_foretells_a_new_name_and_changes_nothing(
    register: RunPlaybook, administrator: Setting
) -> None:
    foretold = register("--check", libvirt_host_name="another-name").require()
    assert foretold.changed == ["libvirt_host : Say what check mode cannot ask the API to do"]
    assert administrator.world.client.get_host(administrator.world.host)["name"] != "another-name"


def test_bad_token_is_one_sentence_without_the_token(register: RunPlaybook) -> None:
    run = register(libvirt_host_api_token="not-a-token-of-this-api")
    assert "does not list its hosts" in run.require_failure().message
    assert "not-a-token-of-this-api" not in run.output


def test_host_that_the_api_does_not_reach_is_one_sentence(register: RunPlaybook) -> None:
    run = register(libvirt_host_uri="qemu+unix:///system?socket=/nonexistent/libvirt-sock")
    assert "The API did not take qemu+unix" in run.require_failure().message
