"""Containers of the lab: back to their first boot, side by side, after a kill, and gone without a trace."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import cgroups, image, processes
from tests.lab.guest.ground import Ground
from tests.lab.instance import Instance, instance
from tests.lab.lab import Lab

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root: it makes namespaces and starts libvirtd"),
]
ROOT = Path(__file__).resolve().parents[2]


def command(lab: Instance, *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "tests.lab.guest", "--lab", lab.name, *arguments]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def fresh(lab: Instance, name: str, *options: str) -> dict[str, str]:
    done = command(lab, "fresh", name, "--kind", "container", "--json", *options)
    assert done.returncode == 0, done.stderr
    facts: dict[str, str] = json.loads(done.stdout)
    return facts


def ssh(facts: dict[str, str], script: str) -> str:
    argv = ["ssh", "-F", facts["ssh_config"], facts["name"], script]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def lab() -> Iterator[Instance]:
    made = instance(f"c{os.getpid() % 1_000_000}")
    try:
        yield made
    finally:
        Lab(made).down(purge=True)


@pytest.fixture(scope="module")
def pair(lab: Instance) -> list[dict[str, str]]:
    """A container of each Debian."""
    return [fresh(lab, f"on-{suite}", "--suite", suite) for suite in image.SUITES]


def test_they_are_the_debians_that_were_asked_for_with_all_units_up(pair: list[dict[str, str]]) -> None:
    for facts, version in zip(pair, ("12", "13"), strict=True):
        assert ssh(facts, "cut -d. -f1 /etc/debian_version") == version
        assert ssh(facts, "systemctl is-system-running --wait") == "running"
        assert ssh(facts, "hostname") == facts["name"]
    assert ssh(pair[0], "cat /etc/machine-id") != ssh(pair[1], "cat /etc/machine-id")


def test_they_meet_on_the_network_and_install_packages(pair: list[dict[str, str]]) -> None:
    ssh(pair[0], f"ping -c1 -W5 {pair[1]['address']}")
    for facts in pair:
        ssh(facts, "sudo apt-get install --yes --quiet hello && hello")


def test_they_can_touch_neither_the_clock_nor_the_modules_of_this_machine(pair: list[dict[str, str]]) -> None:
    assert "Operation not permitted" in ssh(pair[0], "sudo date -s @0 2>&1 || true")
    assert ssh(pair[0], "sudo grep CapBnd /proc/1/status").split()[1] != "000001ffffffffff"
    assert time.time() > 1_700_000_000


def test_the_kernel_parameters_of_its_network_are_its_own_and_no_others(pair: list[dict[str, str]]) -> None:
    """Libvirt sets some for each network that it starts."""
    mine = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()
    for facts, value in zip(pair, ("1", "0"), strict=True):
        ssh(facts, f"sudo sysctl -qw net.ipv4.ip_forward={value}")
    assert [ssh(facts, "cat /proc/sys/net/ipv4/ip_forward") for facts in pair] == ["1", "0"]
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text().strip() == mine
    assert "Read-only" in ssh(pair[0], "echo 9 | sudo tee /proc/sys/kernel/panic 2>&1 || true")


def test_what_was_written_is_kept_by_up_and_gone_with_fresh(
    lab: Instance, pair: list[dict[str, str]]
) -> None:
    facts = pair[0]
    ssh(facts, "sudo touch /etc/kept && sync")
    assert command(lab, "down", facts["name"]).returncode == 0
    assert f"{facts['name']:<20} container  {facts['address']:<12} off" in command(lab, "list").stdout
    assert command(lab, "up", facts["name"]).returncode == 0
    assert ssh(facts, "ls /etc/kept") == "/etc/kept"
    assert fresh(lab, facts["name"]) == facts
    assert ssh(facts, "ls /etc/kept || echo gone") == "gone"


@pytest.mark.parametrize("seconds", [0.8, 1.6, 2.4, 3.2])
def test_after_a_kill_the_next_command_goes_on(
    lab: Instance, pair: list[dict[str, str]], seconds: float
) -> None:
    facts = pair[0]
    argv = [sys.executable, "-m", "tests.lab.guest", "--lab", lab.name, "fresh", facts["name"]]
    killed = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    with killed:
        try:
            killed.wait(seconds)  # the moment of the kill, not a wait for something
        except subprocess.TimeoutExpired:
            os.killpg(killed.pid, signal.SIGKILL)
    assert command(lab, "up", facts["name"]).returncode == 0
    assert ssh(facts, "hostname") == facts["name"]


def test_a_name_is_one_kind_at_a_time(lab: Instance, pair: list[dict[str, str]]) -> None:
    refused = command(lab, "fresh", pair[0]["name"], "--kind", "vm")
    assert refused.returncode == 1
    assert "is a container: take another name" in refused.stderr


def test_down_leaves_nothing_behind(lab: Instance, pair: list[dict[str, str]]) -> None:
    name = pair[1]["name"]
    assert command(lab, "down", name, "--purge").returncode == 0
    assert not Path("/run/netns", f"{lab.namespace}-{name}").exists()
    assert not Ground(lab).folder.joinpath(name).exists()
    assert command(lab, "down", "--purge").returncode == 0
    assert lab.name not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert f"/{lab.name}/" not in Path("/proc/mounts").read_text()
    assert cgroups.groups(lab) == []
    assert not lab.state.exists()
    running = [Path("/proc", str(process.pid), "cgroup") for process in processes.everyone()]
    assert not [path for path in running if path.exists() and f"/limen-lab/{lab.name}/" in path.read_text()]
    assert not subprocess.run(["losetup", "--list"], capture_output=True, text=True, check=True).stdout.count(
        lab.name
    )
