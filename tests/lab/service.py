"""A service of ours (limen-api) run as a daemon of the lab: found again, logged, waited for, stopped."""

import hashlib
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
VERSION = "LIMEN_LAB_SERVICE_VERSION"


@dataclass(frozen=True)
class Service:
    """A named service with its log in `folder`; it is ready when `ready_url` answers 200.

    `sources` are the files and folders that its code is in: one that was started from others is replaced.
    """

    name: str
    folder: Path
    argv: tuple[str, ...]
    ready_url: str
    sources: tuple[Path, ...] = ()

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

    @property
    def version(self) -> str:
        """A checksum of the command and of its sources as they are now."""
        checksum = hashlib.sha256("\0".join(self.argv).encode())
        for source in self.sources:
            for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
                if file.is_file() and file.suffix != ".pyc":
                    checksum.update(f"\0{file}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
        return checksum.hexdigest()

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

        One that runs code of before is stopped first. Raises LabError with the log's end when it dies or is
        not ready in time.
        """
        version = self.version
        if self.runs(version) and self.ready():
            return False
        self.down()
        self.folder.mkdir(parents=True, exist_ok=True)
        # Where the process itself carries its version, no crash parts the two.
        process = processes.start(
            list(self.argv), self.log, self.mark, {**os.environ, **env, VERSION: version}
        )
        self.pid_file.write_text(json.dumps(asdict(process)) + "\n")
        deadline = time.monotonic() + seconds
        while not self.ready():
            if not processes.alive(process):
                raise LabError(f"{self.name} ended at once:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} is not ready after {seconds:.0f} s:\n{self.last_words()}")
            time.sleep(0.05)
        return True

    def runs(self, version: str) -> bool:
        """Whether it runs, from this version of its sources."""
        process = self.process()
        return process is not None and processes.variable(process, VERSION) == version

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
