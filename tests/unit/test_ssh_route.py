"""The way to guests behind a host that is reached by SSH."""

import pytest

from limen.host_uri import InvalidUri
from limen.ssh_route import proxy_command, ssh_command


@pytest.mark.parametrize(
    ("uri", "command"),
    [
        ("qemu+ssh://host/system", "ssh host"),
        ("qemu+ssh://you@host/system", "ssh -l you host"),
        ("qemu+ssh://you@host:2222/system?socket=/run/s", "ssh -p 2222 -l you host"),
        ("qemu+ssh://you@[fe80::1]:22/system", "ssh -p 22 -l you fe80::1"),
        ("qemu+ssh://a%40b@host/system", "ssh -l a@b host"),
        ("qemu+ssh://host/system?keyfile=/k&no_verify=1", "ssh -o StrictHostKeyChecking=no -i /k host"),
        ("qemu+ssh://host/system?no_verify=0", "ssh host"),
        ("qemu+ssh://host/system?knownhosts=/kh", "ssh -o UserKnownHostsFile=/kh host"),
    ],
)
def test_the_host_is_reached_as_libvirt_reaches_it(uri: str, command: str) -> None:
    assert " ".join(ssh_command(uri) or ()) == command


@pytest.mark.parametrize("uri", ["qemu:///system", "qemu+unix:///system?socket=/s", "test:///default"])
def test_other_transports_know_no_way(uri: str) -> None:
    assert ssh_command(uri) is None
    assert proxy_command(uri) is None


@pytest.mark.parametrize("uri", ["qemu+libssh2://host/system", "qemu+tls://host/system"])
def test_what_limen_does_not_open_has_no_way_either(uri: str) -> None:
    with pytest.raises(InvalidUri, match="transport"):
        ssh_command(uri)


def test_a_proxy_command_survives_the_shell_and_ssh() -> None:
    uri = "qemu+ssh://you@host/system?keyfile=/my%20keys/100%25"
    assert proxy_command(uri) == "ssh -i '/my keys/100%%' -l you -W '[%h]:%p' host"
