"""A VM that boots: the ways into it that a person has."""

import contextlib
import os
import pty
import select
import socket
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab import image, netns
from tests.lab.demo import hypervisor
from tests.lab.processes import wait_until
from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

PROJECT = "booted"
LIMITS = {"vms": "1", "vcpus": "1", "memory": "256MiB", "disk": "2GiB", "networks": "1"}
ADDRESS = "10.92.0.10"
HOST_PORT = 2201
FORWARD = {"host_port": HOST_PORT, "address": ADDRESS, "port": 22}
# A guest takes 27 s on two quiet cores under TCG, and many times that beside others.
BOOT_SECONDS = 600.0
ESCAPE = b"\x1d"


@dataclass(frozen=True)
class Booted:
    """A stack with the VM `web`, and the ssh configuration that leads to it."""

    stack: Stack
    document: dict[str, Any]
    config: Path

    @property
    def name(self) -> str:
        return f"{self.stack.name}-web"


@pytest.fixture(scope="module")
def booted(world: World) -> Iterator[Booted]:
    """The VM, up until it has its address, with a port of the host that leads to its SSH server."""
    world.project(PROJECT, LIMITS)
    key = world.layout.dot / "guest_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    config = world.layout.dot / "guest_ssh"
    config.write_text(world.lab.instance.ssh_config.read_text() + hypervisor.own_key(key))
    stack = world.stack("booted")
    stack.seconds = BOOT_SECONDS
    document = specification(Path(f"{key}.pub").read_text().strip())
    stack.configure(document, PROJECT)
    try:
        stack.up().require()
        yield Booted(stack, document, config)
    finally:
        stack.destroy().require()
        agree(world, preview=False)


def specification(public_key: str) -> dict[str, Any]:
    built = image.build()
    vm = {
        "vcpus": 1,
        "memory": "256MiB",
        "image": "debian",
        "disk": "2GiB",
        "networks": [{"network": "lan", "address": ADDRESS}],
        "ssh_keys": [public_key],
        "autostart": False,
        "shutdown_seconds": 0,
    }
    debian = {
        "source": built.disk,
        "sha256": built.sha256,
        "kernel": built.kernel,
        "initrd": built.initrd,
        "cmdline": "root=/dev/vda rw console=ttyS0 quiet",
    }
    lan = {"mode": "nat", "cidr": "10.92.0.0/24", "port_forwards": [FORWARD]}
    return {"images": {"debian": debian}, "networks": {"lan": lan}, "vms": {"web": vm}}


def banner(world: World, seconds: float = BOOT_SECONDS) -> bytes:
    """What the host's forwarded port says to somebody outside, once anybody answers there."""
    outside = (str(netns.addresses(world.lab.instance)[1].ip), HOST_PORT)
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection(outside, timeout=10) as connection:
                return connection.recv(64)
        except OSError:
            # The guest has its address before its SSH server listens.
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_port_of_the_host_leads_to_the_guest_until_it_is_taken_away(world: World, booted: Booted) -> None:
    assert banner(world).startswith(b"SSH-2.0-")
    # The same way as anybody outside: no ProxyCommand, just the host's address and port.
    address = str(netns.addresses(world.lab.instance)[1].ip)
    options = ["-F", str(booted.config), "-o", "ProxyCommand=none", "-p", str(HOST_PORT)]
    done = subprocess.run(
        ["ssh", *options, f"debian@{address}", "hostname"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("web\n", 0), done.stderr
    before = world.virsh("domid", booted.name)

    lan = {
        name: value for name, value in booted.document["networks"]["lan"].items() if name != "port_forwards"
    }
    booted.stack.configure({**booted.document, "networks": {"lan": lan}}, PROJECT)
    booted.stack.up().require()
    with pytest.raises(ConnectionRefusedError):
        banner(world, seconds=0)
    booted.stack.preview("--expect-no-changes").require()

    booted.stack.configure(booted.document, PROJECT)
    booted.stack.up().require()
    assert banner(world).startswith(b"SSH-2.0-")
    assert world.virsh("domid", booted.name) == before, "the guest was restarted"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_limen_vm_ssh_runs_a_command_in_the_guest(world: World, booted: Booted) -> None:
    banner(world)
    # By the name that the stack has for it, and by libvirt's.
    for name in ("web", booted.name):
        done = world.limen("vm", "ssh", name, "--config", str(booted.config), "--", "hostname")
        assert (done.output, done.code) == ("web\n", 0)
    refused = world.limen("vm", "ssh", "web", "--config", str(booted.config), "--", "exit 7")
    assert refused.code == 7


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_limen_vm_console_shows_the_guest_and_its_escape_ends_it(world: World, booted: Booted) -> None:
    banner(world)
    with terminal(["limen", "vm", "console", "web"], world.environment) as console:
        console.read_until(b"Escape character is ^]")
        console.wait_for_raw()
        console.send(b"\r")
        console.read_until(b"web login:")
        console.send(ESCAPE)
        assert console.process.wait(60) == 0
    assert world.domains()[booted.name].state == "running"


@dataclass
class Terminal:
    """A program on a terminal of its own."""

    process: subprocess.Popen[bytes]
    screen: int
    said: bytes = b""

    def send(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def wait_for_raw(self) -> None:
        """Wait until each key goes to the program as it is: virsh drops what was typed before."""
        wait_until(lambda: not termios.tcgetattr(self.screen)[3] & termios.ICANON, 120.0, "a raw terminal")

    def read_until(self, wanted: bytes, seconds: float = 120.0) -> None:
        """Wait for what the program is to show; fails with what it showed instead."""
        deadline = time.monotonic() + seconds
        while wanted not in self.said:
            ready, _, _ = select.select([self.screen], [], [], max(0.0, deadline - time.monotonic()))
            more = os.read(self.screen, 4096) if ready else b""
            assert more, f"no {wanted!r} within {seconds:.0f} s in {self.said!r}"
            self.said += more


@contextlib.contextmanager
def terminal(argv: list[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program on a terminal; it is gone when the context ends."""
    screen, inside = pty.openpty()
    process = subprocess.Popen(
        argv, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
    )
    os.close(inside)
    try:
        yield Terminal(process, screen)
    finally:
        process.kill()
        process.wait()
        os.close(screen)
