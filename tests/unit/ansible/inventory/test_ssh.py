"""How SSH is led to a machine."""

import shlex

import pytest
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import (
    Address,
    Card,
    Machine,
)
from ansible_collections.limen.platform.plugins.module_utils.inventory_ssh import (
    Hypervisor,
    jump_command,
    read_hypervisors,
    variables,
)

REMOTE = "qemu+ssh://limen@host1:2222/system?keyfile=/etc/limen/my%20key"
UUID = "3b0b0b7e-0000-5000-8000-000000000001"
DEFAULTS = {"ssh_config": "", "proxy_command": "", "jump": "auto"}


def machine(mode: str = "nat", network: str = "lan", bridge: str = "virbr0") -> Machine:
    card = Card("52:54:00:00:00:01", network, bridge, mode, [Address("10.0.0.5", "lease")])
    return Machine("web", UUID, "running", REMOTE, "host1", cards=[card])


def arguments(found: dict[str, str]) -> list[str]:
    return shlex.split(found.get("ansible_ssh_common_args", ""))


@pytest.mark.parametrize(("mode", "jumps"), [("nat", True), ("isolated", True), ("route", False)])
def test_only_what_the_outside_does_not_reach_goes_through_the_hypervisor(mode: str, jumps: bool) -> None:
    found = arguments(variables(machine(mode), "10.0.0.5", Hypervisor(REMOTE)))
    assert any("ProxyCommand" in each for each in found) == jumps


def test_a_card_on_a_bridge_of_the_host_is_reached_directly() -> None:
    found = variables(machine("", "", "br0"), "10.0.0.5", Hypervisor(REMOTE))
    assert found["ansible_host"] == "10.0.0.5"
    assert "ansible_ssh_common_args" not in found


@pytest.mark.parametrize(("jump", "jumps"), [("always", True), ("never", False)])
def test_jump_can_be_forced_and_forbidden(jump: str, jumps: bool) -> None:
    found = variables(machine("route"), "10.0.0.5", Hypervisor(REMOTE, jump=jump))
    assert ("ansible_ssh_common_args" in found) == jumps


def test_the_hypervisor_is_reached_as_its_uri_says() -> None:
    command = shlex.split(jump_command(REMOTE))
    assert command[:3] == ["ssh", "-W", "[%h]:%p"]
    assert command[-1] == "host1"
    for option, value in (("-p", "2222"), ("-l", "limen"), ("-i", "/etc/limen/my key")):
        assert command[command.index(option) + 1] == value
    assert "BatchMode=yes" in command, "a question for a password would wait for ever"
    assert "StrictHostKeyChecking=no" not in command
    assert "UserKnownHostsFile=/k" in jump_command("qemu+ssh://host/system?knownhosts=/k")
    assert "StrictHostKeyChecking=no" in jump_command("qemu+ssh://host/system?no_verify=1")


def test_the_libvirt_of_this_machine_needs_no_jump() -> None:
    assert "ansible_ssh_common_args" not in variables(
        machine(), "10.0.0.5", Hypervisor("qemu:///system", jump="always")
    )


def test_a_proxy_command_goes_before_a_configuration_file() -> None:
    both = Hypervisor("qemu:///system", proxy_command="ip netns exec lab nc %h %p", ssh_config="/lab/config")
    found = arguments(variables(machine(), "10.0.0.5", both))
    assert "ProxyCommand=ip netns exec lab nc %h %p" in found
    assert "-F" not in found
    config = Hypervisor("qemu:///system", ssh_config="/a folder/config")
    assert arguments(variables(machine(), "10.0.0.5", config)) == ["-F", "/a folder/config"]


def test_machines_of_one_address_share_neither_host_key_nor_connection() -> None:
    one, other = machine(), machine()
    other.uuid = "4b0b0b7e-0000-5000-8000-000000000002"
    first, second = (variables(each, "10.0.0.5", Hypervisor(REMOTE)) for each in (one, other))
    assert first["ansible_host"] == second["ansible_host"]
    assert first["ansible_control_path"] != second["ansible_control_path"]
    assert f"HostKeyAlias=limen-{UUID}" in arguments(first)
    assert f"HostKeyAlias=limen-{UUID}" not in arguments(second)


def test_without_an_address_no_machine_of_that_name_is_reached() -> None:
    assert variables(machine(), "", Hypervisor(REMOTE))["ansible_host"].endswith(".invalid")


def test_entries_are_uris_or_mappings_with_the_options_as_defaults() -> None:
    entries = ["qemu:///system", {"uri": REMOTE, "name": "h", "jump": "never"}]
    one, other = read_hypervisors(entries, {**DEFAULTS, "proxy_command": "nc %h %p"})
    assert (one.uri, one.proxy_command, one.jump) == ("qemu:///system", "nc %h %p", "auto")
    assert (other.uri, other.name, other.jump) == (REMOTE, "h", "never")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([], "names no hypervisor"),
        ([""], "hypervisors\\[0\\] names no libvirt URI"),
        (["host1"], "qemu\\+ssh://USER@HOST/system"),
        ([{"name": "x"}], "names no libvirt URI"),
        ([{"uri": REMOTE, "jmp": "never"}], "no key 'jmp': use uri, name"),
        ([{"uri": REMOTE, "jump": "perhaps"}], "auto, always, never"),
        ([REMOTE, 7], "hypervisors\\[1\\] is neither"),
        ([REMOTE, REMOTE], "named twice"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_with_its_place(entries: list[object], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_hypervisors(entries, DEFAULTS)
