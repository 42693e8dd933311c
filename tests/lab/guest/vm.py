"""A VM: booted once, kept as a snapshot with its memory, and taken back to it in seconds."""

import shlex
import shutil
import time
from dataclasses import dataclass

from tests.lab import aptproxy, image, locking, progress
from tests.lab.errors import LabError
from tests.lab.guest import documents
from tests.lab.guest.documents import SNAPSHOT, Size
from tests.lab.guest.machine import Machine, run, say

BOOT_SECONDS = 600.0


@dataclass(frozen=True)
class Vm(Machine):
    """A guest with a kernel of its own. Its domain in libvirt is the only record of it.

    A VM without the snapshot was never handed out: its boot is waited for, or it is made anew.
    """

    @property
    def defined(self) -> bool:
        return self.name in self.ground.vms()

    @property
    def running(self) -> bool:
        return self.name in self.ground.vms("--state-running")

    @property
    def kept(self) -> bool:
        """Whether there is a state to go back to."""
        return SNAPSHOT in self.ground.virsh("snapshot-list", "--name", self.name).split()

    def bring_up(self, size: Size) -> None:
        if not self.ensure_booted(size) and not self.running:
            self.ground.virsh("start", self.name)

    def bring_back(self, size: Size) -> None:
        if not self.ensure_booted(size):
            self.ground.cut_connections(self.address)
            started = time.monotonic()
            self.ground.virsh("snapshot-revert", self.name, SNAPSHOT, "--running")
            say(f"{self.name}: back to just after its boot in {time.monotonic() - started:.0f} s")

    def stop(self) -> None:
        if self.ground.running and self.defined:
            self.ground.cut_connections(self.address)
            if self.running:
                self.ground.virsh("destroy", self.name)

    def ensure_booted(self, size: Size) -> bool:
        """Make sure of a guest of this size with its snapshot; returns whether it was taken right now."""
        if self.name in self.ground.containers():
            raise LabError(
                f"{self.name} is a container: take another name, or `down {self.name} --purge` first"
            )
        made = image.build(self.suite)
        digest = documents.digest_of(self.name, size, made, self.ground.public_key)
        if self.defined and (self.ground.definition(self.name).findtext("description") != digest):
            say(f"{self.name}: was made from something else; making it anew")
            self.remove()
        if self.defined and self.kept:
            return False
        if not (self.defined and self.running):
            self.remove()
            self.create(size, made, digest)
        self.await_ssh(BOOT_SECONDS)
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
        if not self.ground.running:
            return
        if self.running:
            self.ground.virsh("destroy", self.name)
        with locking.locked(self.ground.lab.lock, "another guest being made"):
            if self.defined:
                self.ground.virsh("undefine", self.name, "--snapshots-metadata")
                self.ground.write_ssh_config()
        shutil.rmtree(self.folder, ignore_errors=True)

    def settings(self) -> str:
        # The time of day, which stood still in the snapshot, and today's package proxy.
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
        self.await_ssh(BOOT_SECONDS)
        return self.facts()
