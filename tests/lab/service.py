"""A service of ours (limen-api) run as a daemon of the lab: found again, logged, waited for, stopped."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import processes
from tests.lab.errors import LabError

MARK = "LIMEN_LAB_SERVICE"


@dataclass(frozen=True)
class Service:
    """A named service with its log in `folder`; it is ready when `ready_url` answers 200."""

    name: str
    folder: Path
    argv: tuple[str, ...]
    ready_url: str

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        """Process id and start time, for people; the lab itself looks for the process."""
        return self.folder / f"{self.name}.json"

    @property
    def mark(self) -> tuple[str, str]:
        return MARK, str(self.folder.resolve() / self.name)

    def process(self) -> processes.Process | None:
        """The running process, or None."""
        return next(iter(processes.with_variable(*self.mark)), None)

    def ready(self) -> bool:
        """Whether the service answers."""
        try:
            with urllib.request.urlopen(self.ready_url, timeout=5) as answer:  # noqa: S310  loopback, our own
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def up(self, env: Mapping[str, str], seconds: float = 30) -> bool:
        """Start the service unless it runs, and wait until it is ready; returns whether it was started.

        Raises LabError with the log's end when it dies or is not ready in time.
        """
        if self.process() and self.ready():
            return False
        self.down()
        self.folder.mkdir(parents=True, exist_ok=True)
        process = processes.start(list(self.argv), self.log, self.mark, {**os.environ, **env})
        self.pid_file.write_text(json.dumps(asdict(process)) + "\n")
        deadline = time.monotonic() + seconds
        while not self.ready():
            if not processes.alive(process):
                raise LabError(f"{self.name} ended at once:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} is not ready after {seconds:.0f} s:\n{self.last_words()}")
            time.sleep(0.05)
        return True

    def down(self) -> None:
        """Stop the service if it runs."""
        processes.stop(processes.with_variable(*self.mark), self.name)
        self.pid_file.unlink(missing_ok=True)

    def last_words(self) -> str:
        """The end of the log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
        except FileNotFoundError:
            return "(no log)"
