"""One guest: booted once, kept as a snapshot with its memory, and taken back to it in seconds."""

import contextlib
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from tests.lab import aptproxy, image, locking, progress
from tests.lab.errors import LabError
from tests.lab.guest import documents
from tests.lab.guest.documents import SNAPSHOT, Size
from tests.lab.guest.ground import Ground

BOOT_SECONDS = 600.0


@dataclass(frozen=True)
class Guest:
    """A guest of that name on common ground. Its domain in libvirt is the only record of it.

    A guest without the snapshot was never handed out: its boot is waited for, or it is made anew.
    """

    ground: Ground
    name: str

    @property
    def folder(self) -> Path:
        return self.ground.folder / self.name

    @property
    def address(self) -> IPv4Address:
        return documents.address_of(self.ground.slot(self.name))

    @property
    def defined(self) -> bool:
        return self.name in self.ground.names()

    @property
    def running(self) -> bool:
        return self.name in self.ground.names("--state-running")

    @property
    def kept(self) -> bool:
        """Whether there is a state to go back to."""
        return SNAPSHOT in self.ground.virsh("snapshot-list", "--name", self.name).split()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """One command at a time works on a guest."""
        path = Path("/run/lock", f"limen-guest-{self.ground.lab.name}-{self.name}")
        with locking.locked(path, f"another command on guest {self.name}"):
            yield

    def up(self, size: Size) -> dict[str, str]:
        """Boot the guest, or let it go on with what is on it; connection data. Raises LabError."""
        with self.held():
            self.ground.up()
            if not self.ensure_booted(size) and not self.running:
                self.ground.virsh("start", self.name)
            return self.settle()

    def fresh(self, size: Size) -> dict[str, str]:
        """The guest as it was just after its first boot; connection data. Raises LabError."""
        with self.held():
            self.ground.up()
            if not self.ensure_booted(size):
                self.ground.cut_connections(self.address)
                argv = ["snapshot-revert", self.name, SNAPSHOT, "--running"]
                started = time.monotonic()
                self.ground.virsh(*argv)
                say(f"{self.name}: back to just after its boot in {time.monotonic() - started:.0f} s")
            return self.settle()

    def down(self, purge: bool) -> None:
        """Cut its power, and with `purge` remove it."""
        with self.held():
            if self.defined:
                self.ground.cut_connections(self.address)
                if self.running:
                    self.ground.virsh("destroy", self.name)
            if purge:
                self.remove()

    def ensure_booted(self, size: Size) -> bool:
        """Make sure of a guest of this size with its snapshot; returns whether it was taken right now."""
        made = image.build()
        digest = documents.digest_of(self.name, size, made, self.ground.public_key)
        if self.defined and (self.ground.definition(self.name).findtext("description") != digest):
            say(f"{self.name}: was made from something else; making it anew")
            self.remove()
        if self.defined and self.kept:
            return False
        if not (self.defined and self.running):
            self.remove()
            self.create(size, made, digest)
        self.await_ssh()
        self.finish_boot()
        progress.run(
            f"{self.name}: keeping its state",
            ["virsh", "--connect", self.ground.lab.libvirt_uri, "snapshot-create-as", self.name, SNAPSHOT],
        )
        return True

    def create(self, size: Size, made: image.Image, digest: str) -> None:
        """Lay out disk and seed, define and start."""
        self.folder.mkdir(parents=True)
        backing = ["-F", "qcow2", "-b", made.disk, str(self.folder / "disk.qcow2"), str(size.disk)]
        run(["qemu-img", "create", "-q", "-f", "qcow2", *backing])
        for name, text in (
            ("user-data", documents.user_data(self.name, self.ground.public_key)),
            ("meta-data", documents.meta_data(self.name, digest)),
        ):
            (self.folder / name).write_text(text)
        seed = ["-volid", "cidata", "-joliet", "-rock", "-output", "seed.iso", "user-data", "meta-data"]
        run(["genisoimage", "-quiet", *seed], self.folder)
        definition = self.folder / "domain.xml"
        with locking.locked(self.ground.lab.lock, "another guest being made"):
            slot = self.ground.free_slot()
            definition.write_text(
                documents.domain_xml(self.name, slot, size, made, self.folder, digest), encoding="utf-8"
            )
            self.ground.virsh("define", str(definition))
            self.ground.write_ssh_config()
        self.ground.virsh("start", self.name)

    def remove(self) -> None:
        """Take away whatever there is of the guest."""
        if self.running:
            self.ground.virsh("destroy", self.name)
        with locking.locked(self.ground.lab.lock, "another guest being made"):
            if self.defined:
                self.ground.virsh("undefine", self.name, "--snapshots-metadata")
                self.ground.write_ssh_config()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ssh(self, command: str) -> list[str]:
        """The command line that runs a shell command in the guest."""
        return ["ssh", "-F", str(self.ground.ssh_config), "-o", "BatchMode=yes", self.name, command]

    def await_ssh(self, seconds: float = BOOT_SECONDS) -> None:
        """Wait until it takes its settings over SSH; raises LabError with ssh's last words."""
        started = said = time.monotonic()
        while (done := run(self.ssh(self.settings()), check=False)).returncode != 0:
            now = time.monotonic()
            if not self.running:
                raise LabError(f"{self.name} stopped while it booted: see {self.folder / 'console.log'}")
            if now - started > seconds:
                raise LabError(
                    f"{self.name} does not answer on SSH after {seconds:.0f} s: {done.stderr.strip()}; "
                    f"see {self.folder / 'console.log'}"
                )
            if now - said > 10:
                say(f"{self.name}: boots, {now - started:.0f} s")
                said = now
            time.sleep(0.5)
        if time.monotonic() - started > 10:
            say(f"{self.name}: answers on SSH after {time.monotonic() - started:.0f} s")

    def settings(self) -> str:
        """A shell command: the time of day, which stood still in the snapshot, and today's package proxy."""
        proxy = f'Acquire::http::Proxy "{aptproxy.url(self.ground.lab)}";'
        script = f"echo {shlex.quote(proxy)} >/etc/apt/apt.conf.d/90proxy && date -s @{time.time():.0f}"
        return f"sudo sh -c {shlex.quote(script)}"

    def finish_boot(self) -> None:
        """Let cloud-init come to its end, and fetch the package lists.

        A host in use has them, and apt's check mode knows no package without them.
        """
        progress.run(f"{self.name}: end of its first boot", self.ssh("cloud-init status --wait"))
        progress.run(f"{self.name}: package lists", self.ssh("sudo apt-get -qq update && sync"))

    def settle(self) -> dict[str, str]:
        """Wait until it answers; connection data."""
        self.await_ssh()
        return {
            "name": self.name,
            "address": str(self.address),
            "user": documents.USER,
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
