"""Scrapes while QEMU hangs, libvirtd is killed, stopped and started again, and a disk is full.

Each answers in time and says what is missing.
"""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.lab import libvirtd, processes
from tests.lab.instance import Instance
from tests.world.metered import Domains, complete, succeeds, timed
from tests.world.serving import Serving, samples, serving


def test_a_qemu_that_hangs_is_passed_over(agent: Serving, define: Domains, lab: Instance) -> None:
    define("stopped", paused=True)
    define("fine", paused=True)
    # A domain that has just been started is busy for a moment.
    processes.wait_until(lambda: complete(agent.text()) == {"stopped": 1, "fine": 1}, 60, "all figures")
    qemu = next(p for p in libvirtd.members(lab) if "guest=stopped," in _command_line(p.pid))
    os.kill(qemu.pid, signal.SIGSTOP)
    try:
        timed(agent)  # it may have to find out
        assert complete(timed(agent)) == {"stopped": 0, "fine": 1}
    finally:
        os.kill(qemu.pid, signal.SIGCONT)
    processes.wait_until(lambda: complete(agent.text()) == {"stopped": 1, "fine": 1}, 60, "all figures")


def test_libvirtd_killed_and_started_again(agent: Serving, define: Domains, lab: Instance) -> None:
    define("web", paused=True)
    daemon = libvirtd.pid_of(lab, "libvirtd")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    processes.wait_until(lambda: libvirtd.pid_of(lab, "libvirtd") is None, 60, "the end of libvirtd")
    try:
        processes.wait_until(lambda: not succeeds(agent), 60, "a scrape that says what is missing")
        text = timed(agent)
        assert samples(text, "node_load1")
        assert not samples(text, "limen_domain_state")
        assert "domains" in agent.document("/healthz")["failing"]
        assert "not available" in agent.document("/v1/system")["collectors"]["pools"]["error"]
    finally:
        libvirtd.up(lab)
    processes.wait_until(lambda: complete(agent.text()) == {"web": 1}, 60, "the domains")


def test_libvirtd_stopped(agent: Serving, lab: Instance) -> None:
    daemon = libvirtd.pid_of(lab, "libvirtd")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        text = timed(agent)
        assert ({"collector": "domains"}, 0.0) in samples(text, "limen_agent_collector_success")
        assert samples(text, "node_load1")
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    processes.wait_until(lambda: succeeds(agent), 60, "libvirt")


def test_a_full_disk(tmp_path: Path) -> None:
    """Its own log stands on it."""
    folder = tmp_path / "full"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        with serving(folder / "log", "--libvirt-uri", "none", "--log-level", "debug") as agent:
            with contextlib.suppress(OSError):
                (folder / "fill").write_bytes(b"x" * 2**17)
            free = {labels["mountpoint"]: value for labels, value in _free(timed(agent))}
            assert free[str(folder)] == 0
            assert succeeds(agent, "filesystems")
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _free(text: str) -> list[tuple[dict[str, str], float]]:
    return [(dict(labels), value) for labels, value in samples(text, "node_filesystem_avail_bytes")]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
