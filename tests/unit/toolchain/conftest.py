"""A language host as the CLI starts it: a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2_grpc

from tests.unit.toolchain.engine import FakeEngine
from tests.unit.toolchain.host import Host

TOOLCHAIN = Path(__file__).resolve().parents[3] / "pulumi" / "toolchain"
# The folder is no package: install.py and the language host are started by their paths.
sys.path.insert(0, str(TOOLCHAIN))
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from language_host.__main__ import main; main()"


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    """An engine that listens."""
    with FakeEngine() as running:
        yield running


@pytest.fixture
def start_host(engine: FakeEngine, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Start hosts with extra environment variables; they are gone after the test."""
    started: list[Host] = []

    def start(**environ: str) -> Host:
        chosen_here = ("LIMEN_PYTHON", "VIRTUAL_ENV")
        clean = {name: value for name, value in os.environ.items() if name not in chosen_here}
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, str(TOOLCHAIN), engine.address],
            env={**clean, **environ}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, process_group=0,
        )  # fmt: skip
        assert process.stdout is not None
        port = int(process.stdout.readline())
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        host = Host(process, language_pb2_grpc.LanguageRuntimeStub(channel), engine, project)
        channels.append(channel)
        started.append(host)
        return host

    channels: list[grpc.Channel] = []
    yield start
    for channel in channels:
        channel.close()
    for host in started:
        if host.process.poll() is None:
            os.killpg(host.process.pid, signal.SIGKILL)
        host.process.communicate()


@pytest.fixture
def host(start_host: Callable[..., Host]) -> Host:
    """A host that runs programs in the interpreter of the tests."""
    return start_host()
