"""What every guest of the lab is, VM or container: a name on common ground that is reached by SSH."""

import contextlib
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from tests.lab import aptproxy, locking
from tests.lab.errors import LabError
from tests.lab.guest import documents
from tests.lab.guest.documents import Size
from tests.lab.guest.ground import Ground


@dataclass(frozen=True)
class Machine(ABC):
    """A guest of that name, of that Debian suite."""

    ground: Ground
    name: str
    suite: str

    @property
    def folder(self) -> Path:
        return self.ground.folder / self.name

    @property
    def console(self) -> Path:
        """What it says while it boots."""
        return self.folder / "console.log"

    @property
    def address(self) -> IPv4Address:
        return documents.address_of(self.ground.slots()[self.name])

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether it runs."""

    @abstractmethod
    def bring_up(self, size: Size) -> None:
        """Boot it, or let it go on with what is on it. Held under the machine's lock."""

    @abstractmethod
    def bring_back(self, size: Size) -> None:
        """Make it what it was just after its first boot. Held under the machine's lock."""

    @abstractmethod
    def stop(self) -> None:
        """Cut its power. Held under the machine's lock."""

    @abstractmethod
    def remove(self) -> None:
        """Take away whatever there is of it. Held under the machine's lock."""

    @abstractmethod
    def settings(self) -> str:
        """A shell command for each time it is handed out; SSH answers once it succeeds."""

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """One command at a time works on a machine."""
        path = Path("/run/lock", f"limen-guest-{self.ground.lab.name}-{self.name}")
        with locking.locked(path, f"another command on guest {self.name}"):
            yield

    def up(self, size: Size) -> dict[str, str]:
        """Boot it, or let it go on with what is on it; connection data. Raises LabError."""
        with self.held():
            self.ground.up()
            self.bring_up(size)
            return self.settle()

    def fresh(self, size: Size) -> dict[str, str]:
        """The machine as it was just after its first boot; connection data. Raises LabError."""
        with self.held():
            self.ground.up()
            self.bring_back(size)
            return self.settle()

    def down(self, purge: bool) -> None:
        """Cut its power, and with `purge` remove it. Raises LabError."""
        with self.held():
            self.stop()
            if purge:
                self.remove()

    def ssh(self, command: str) -> list[str]:
        """The command line that runs a shell command in the machine."""
        return ["ssh", "-F", str(self.ground.ssh_config), "-o", "BatchMode=yes", self.name, command]

    def await_ssh(self, seconds: float) -> None:
        """Wait until it takes its settings over SSH; raises LabError with ssh's last words."""
        started = said = time.monotonic()
        while (done := run(self.ssh(self.settings()), check=False)).returncode != 0:
            now = time.monotonic()
            if not self.running:
                raise LabError(f"{self.name} stopped while it booted: see {self.console}")
            if now - started > seconds:
                raise LabError(
                    f"{self.name} does not answer on SSH after {seconds:.0f} s: {done.stderr.strip()}; "
                    f"see {self.console}"
                )
            if now - said > 10:
                say(f"{self.name}: boots, {now - started:.0f} s")
                said = now
            time.sleep(0.1)
        if time.monotonic() - started > 10:
            say(f"{self.name}: answers on SSH after {time.monotonic() - started:.0f} s")

    @abstractmethod
    def settle(self) -> dict[str, str]:
        """Wait until it answers; connection data."""

    def facts(self) -> dict[str, str]:
        """How it is reached."""
        return {
            "name": self.name,
            "address": str(self.address),
            "user": documents.USER,
            "suite": self.suite,
            "ssh_config": str(self.ground.ssh_config),
            "identity_file": str(self.ground.key),
            "apt_proxy": aptproxy.url(self.ground.lab),
            "libvirt_uri": self.ground.lab.libvirt_uri,
        }


def say(line: str) -> None:
    """One line of progress."""
    print(line, file=sys.stderr, flush=True)


def run(argv: list[str], folder: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a short command; raises LabError with its words unless `check` is false."""
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
    return done
