"""A service of ours (limen-api) run as a daemon of the lab: recorded, logged, waited for, stopped."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab import processes
from tests.lab.errors import LabError


@dataclass(frozen=True)
class Service:
    """A named service whose record and log stand in `folder`; it is ready when `ready_url` answers 200."""

    name: str
    folder: Path
    argv: tuple[str, ...]
    ready_url: str

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def record(self) -> Path:
        return self.folder / f"{self.name}.json"

    def process(self) -> processes.Process | None:
        """The running process, or None."""
        return processes.recorded(self.record)

    def ready(self) -> bool:
        """Whether the service answers."""
        try:
            with urllib.request.urlopen(self.ready_url, timeout=5) as answer:  # noqa: S310  loopback, our own
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def up(self, env: Mapping[str, str], seconds: float = 30) -> bool:
        """Start the service unless it runs, and wait until it is ready; returns whether it was started."""
        if self.process() and self.ready():
            return False
        self.down()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                self.argv,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if process := processes.identify(started.pid):
            processes.record(self.record, process)
        deadline = time.monotonic() + seconds
        while not self.ready():
            if started.poll() is not None:
                raise LabError(f"{self.name} ended at once:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} is not ready after {seconds:.0f} s:\n{self.last_words()}")
            time.sleep(0.05)
        return True

    def down(self) -> None:
        """Stop the service if it runs."""
        processes.stop(self.process(), self.name)
        self.record.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The end of the log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        except FileNotFoundError:
            return "(no log)"
