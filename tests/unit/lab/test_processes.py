"""Processes are told apart by what is never reused, found by their mark, and stopped for sure."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import processes
from tests.lab.errors import LabError
from tests.lab.processes import Process

STUBBORN = """\
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(99)
"""


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A mark of this test's own; whatever carries it is gone afterwards."""
    own = ("LIMEN_LAB_TEST", str(tmp_path))
    yield own
    processes.stop(processes.with_variable(*own), "a process of the test", seconds=1)


def test_a_daemon_is_found_by_its_mark_and_by_no_other(mark: tuple[str, str], tmp_path: Path) -> None:
    daemon = processes.start(["sleep", "99"], tmp_path / "log", mark)
    assert processes.with_variable(*mark) == [daemon]
    assert processes.with_variable(mark[0], "other") == []
    assert os.getsid(daemon.pid) == daemon.pid


def test_a_missing_program_says_what_to_do(mark: tuple[str, str], tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no-such-program is missing: run"):
        processes.start(["no-such-program"], tmp_path / "log", mark)


def test_stop_ends_one_that_ignores_the_first_signal(mark: tuple[str, str], tmp_path: Path) -> None:
    log = tmp_path / "log"
    daemon = processes.start([sys.executable, "-c", STUBBORN], log, mark)
    processes.wait_until(lambda: "up" in log.read_text(), 10, "the daemon's start")
    processes.stop([daemon], "the daemon", seconds=0.3)
    assert not processes.alive(daemon)


def test_a_reused_process_id_is_neither_alive_nor_signalled() -> None:
    with subprocess.Popen(["sleep", "99"]) as stranger:
        real = processes.identify(stranger.pid)
        assert real is not None
        earlier = Process(stranger.pid, real.started - 1)
        assert not processes.alive(earlier)
        processes.send(earlier, signal.SIGKILL)
        processes.stop([earlier], "nobody")
        assert stranger.poll() is None
        stranger.kill()


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen(["sleep", "99"]) as child:
        process = processes.identify(child.pid)
        child.kill()
        processes.wait_until(
            lambda: not processes.alive(process), 5, "the end"
        )  # not yet waited for: a zombie
        assert Path(f"/proc/{child.pid}").exists()


def test_waiting_in_vain_names_what_did_not_happen() -> None:
    with pytest.raises(LabError, match="the flood did not happen within 0 s"):
        processes.wait_until(lambda: False, 0, "the flood")
