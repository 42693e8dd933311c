"""A running language host, spoken to over the wire as the CLI does."""

import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import language_pb2

from tests.unit.toolchain.engine import FakeEngine

CALL_S = 60


@dataclass
class Host:
    """A running host, and a project folder for it."""

    process: subprocess.Popen[str]
    stub: Any
    engine: FakeEngine
    project: Path
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, text: str, name: str = "__main__.py") -> Path:
        """Put a file into the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    @property
    def info(self) -> Any:
        """The project as the engine describes it."""
        options = struct_pb2.Struct()
        options.update(self.options)
        folder = str(self.project)
        return language_pb2.ProgramInfo(
            root_directory=folder, program_directory=folder, entry_point=".", options=options
        )

    def request(self, **fields: Any) -> Any:
        """A request to run the project's program."""
        return language_pb2.RunRequest(
            info=self.info,
            pwd=str(self.project),
            project="tiny",
            stack="dev",
            monitor_address=self.engine.address,
            parallel=4,
            **fields,
        )

    def run(self, **fields: Any) -> Any:
        """Run the project's program to its end."""
        return self.stub.Run(self.request(**fields), timeout=CALL_S)

    def cancel(self) -> None:
        """What the engine calls when a person presses Ctrl-C."""
        self.stub.Cancel(empty_pb2.Empty(), timeout=CALL_S)

    def end(self) -> str:
        """Interrupt the host as the engine does, and return what it and its programs printed."""
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=20)[0]


def gone(pid: int, within_s: float = 10) -> bool:
    """Whether the process ends in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False
