"""How a stack tells people and Ansible to reach its VMs."""

import pytest

from pulumi_limen.outputs import inventory, ssh_command, way_in

VM = {"address": "10.20.0.5", "user": "debian", "uuid": "1"}
REMOTE = "qemu+ssh://you@host:2222/system?keyfile=/my%20key"


@pytest.mark.parametrize(
    ("config", "uri", "command"),
    [
        ("/ssh/config", REMOTE, "ssh -F /ssh/config debian@10.20.0.5"),
        (None, "qemu:///system", "ssh debian@10.20.0.5"),
        (
            None,
            "qemu+ssh://you@host/system",
            """ssh -o 'ProxyCommand=ssh -l you -W '"'"'[%h]:%p'"'"' host' debian@10.20.0.5""",
        ),
    ],
)
def test_ssh_goes_by_the_configuration_or_through_the_host(
    config: str | None, uri: str, command: str
) -> None:
    assert ssh_command(VM, way_in(config, uri)) == command


def hosts(vm: dict[str, str], options: list[str]) -> dict[str, dict[str, str]]:
    """The hosts of an inventory of that VM alone."""
    found: dict[str, dict[str, str]] = inventory({"web": vm}, "dev", options)["all"]["children"]["dev"][
        "hosts"
    ]
    return found


def test_ansible_goes_the_same_way() -> None:
    assert hosts(VM, way_in("/ssh/config", REMOTE))["web"]["ansible_ssh_common_args"] == "-F /ssh/config"
    assert "ansible_ssh_common_args" not in hosts(VM, way_in(None, "qemu:///system"))["web"]


def test_a_vm_without_an_address_is_reached_by_nothing() -> None:
    vm = {**VM, "address": ""}
    assert ssh_command(vm, []) == ""
    assert hosts(vm, []) == {}
