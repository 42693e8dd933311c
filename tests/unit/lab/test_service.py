"""A service of the lab: started once, waited for, found again, stopped."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab import ports, processes
from tests.lab.errors import LabError
from tests.lab.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Python's own web server as the service."""
    port = ports.free("127.0.0.1")
    argv = (
        sys.executable,
        "-m",
        "http.server",
        str(port),
        "--bind",
        "127.0.0.1",
        "--directory",
        str(tmp_path),
    )
    made = Service("web", tmp_path, argv, f"http://127.0.0.1:{port}/")
    yield made
    made.down()


def test_up_waits_until_it_answers_and_does_nothing_the_second_time(service: Service) -> None:
    assert service.up({})
    assert service.ready()
    first = service.process()
    assert not service.up({})
    assert service.process() == first


def test_a_dead_service_is_started_again(service: Service) -> None:
    service.up({})
    first = service.process()
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    processes.wait_until(lambda: not processes.alive(first), 5, "its end")
    assert service.up({})
    assert service.process() != first


def test_one_that_runs_but_does_not_answer_is_replaced(service: Service, tmp_path: Path) -> None:
    hung = processes.start(["sleep", "99"], tmp_path / "log", service.mark)
    assert service.up({})
    assert not processes.alive(hung)
    assert service.process() != hung


def test_one_whose_code_has_changed_is_replaced(service: Service, tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "migrations").mkdir(parents=True)
    (code / "main.py").write_text("one")
    service = replace(service, sources=(code,))
    assert service.up({})
    (code / "__pycache__").mkdir()
    (code / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"compiled")
    assert not service.up({})
    before = service.process()
    (code / "migrations" / "0001.sql").write_text("select 1")
    assert service.up({})
    assert not processes.alive(before)
    assert service.process() is not None
    assert not service.up({})


def test_one_with_another_command_is_replaced(service: Service) -> None:
    service.up({})
    assert replace(service, argv=(*service.argv, "--protocol", "HTTP/1.1")).up({})


def test_it_is_found_without_its_pid_file(service: Service) -> None:
    service.up({})
    service.pid_file.unlink()
    assert not service.up({})
    service.down()
    assert service.process() is None


def test_one_that_ends_says_why(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", "import time; time.sleep(0.3); raise SystemExit('no database')")
    with pytest.raises(LabError, match="no database"):
        Service("broken", tmp_path, argv, "http://127.0.0.1:9/").up({})
