"""A container: Debian with systemd under systemd-nspawn, on the machine's own kernel, up in two seconds.

What it writes goes into a folder of its own above the image's (an overlay); without that folder it is as it
was before its first boot. Its mounts are seen by its own processes alone and go with them.
"""

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab import cgroups, image, locking, netns, processes
from tests.lab.errors import LabError
from tests.lab.guest import cards, prepared, records, rootfs
from tests.lab.guest.documents import Size
from tests.lab.guest.machine import Machine, say
from tests.lab.guest.records import Record

BOOT_SECONDS = 120.0
MARK = "LIMEN_LAB_CONTAINER"
# The first of its own mount namespace: cgroup2 where systemd looks for it, the overlay, and systemd-nspawn,
# which is told to leave this machine's own services alone. It may do all that a host may do but what would
# reach the machine itself: its clock, its modules. The kernel parameters of its network are its own, and
# libvirt sets some for each network. `volatile` spares it fsync, as `cache=unsafe` does a VM.
START = """
umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
echo $$ >"/sys/fs/cgroup/$1/cgroup.procs" &&
mount -t overlay overlay -o "lowerdir=$2,upperdir=$3/upper,workdir=$3/work,volatile" "$3/root" &&
exec env SYSTEMD_NSPAWN_API_VFS_WRITABLE=network \
    systemd-nspawn --quiet --register=no --keep-unit --boot --console=pipe --directory="$3/root" \
    --machine="$4" --network-namespace-path="$5" --capability=all \
    --drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE --system-call-filter=@keyring --bind=/dev/net/tun \
    --resolv-conf=off --timezone=off --link-journal=no
"""


@dataclass(frozen=True)
class Container(Machine):
    """A guest without a kernel of its own.

    A container without its record was never handed out, and is made anew. Its size is the machine's: nothing
    is enforced.
    """

    @property
    def record(self) -> Path:
        return self.folder / records.FILE

    @property
    def group(self) -> cgroups.Group:
        return cgroups.Group(self.ground.lab, self.name)

    @property
    def namespace(self) -> str:
        return f"{self.ground.lab.namespace}-{self.name}"

    @property
    def running(self) -> bool:
        return self.group.populated

    def bring_up(self, size: Size) -> None:
        made = self.ensure_made()
        if not self.running:
            self.stop()  # what a killed command left
            if not (self.folder / "upper").exists():
                self.lay()
            self.boot(made)

    def bring_back(self, size: Size) -> None:
        made = self.ensure_made()
        self.stop()
        started = time.monotonic()
        self.clear()
        self.lay()
        self.boot(made)
        self.await_ssh(BOOT_SECONDS)
        say(f"{self.name}: back to its first boot in {time.monotonic() - started:.1f} s")
        shutil.rmtree(self.folder / "gone", ignore_errors=True)

    def clear(self) -> None:
        """Put aside what it wrote: taking that away may last longer than the boot."""
        shutil.rmtree(self.folder / "gone", ignore_errors=True)
        (self.folder / "gone").mkdir()
        for name in ("upper", "work"):
            if (self.folder / name).exists():
                (self.folder / name).rename(self.folder / "gone" / name)

    def lay(self) -> None:
        """Make the folder of what it writes, with what its first boot goes by; whole or not at all."""
        draft = self.folder / "upper.draft"
        shutil.rmtree(draft, ignore_errors=True)
        rootfs.lay(draft, rootfs.files(self.name, self.ground))
        draft.rename(self.folder / "upper")

    def boot(self, made: image.Image) -> None:
        """Start it with what is on it; nothing of an earlier start is left."""
        lower = f"{prepared.layer(self.ground, made)}:{made.root}"
        # overlayfs takes no working folder that an earlier mount with `volatile` has left.
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        for name in ("work", "root"):
            (self.folder / name).mkdir(exist_ok=True)
        self.group.make()
        slot = self.ground.slots()[self.name]
        cards.connect(self.ground.lab, self.namespace, self.ground.bridge, slot)
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", START, "limen-container"]
        argv += [self.group.path, lower, str(self.folder), self.name, f"/run/netns/{self.namespace}"]
        processes.start(argv, self.console, (MARK, str(self.folder)))

    def settings(self) -> str:
        return "true"

    def settle(self) -> dict[str, str]:
        self.await_ssh(BOOT_SECONDS)
        return self.facts()

    def stop(self) -> None:
        if self.running:
            self.ground.cut_connections(self.address)
        self.group.remove()
        if Path("/run/netns", self.namespace).exists():
            netns.ip("netns", "delete", self.namespace)  # the pair of cards goes with it

    def remove(self) -> None:
        self.stop()
        with locking.locked(self.ground.lab.lock, "another guest being made"):
            self.record.unlink(missing_ok=True)
            if self.ground.ssh_config.exists():
                self.ground.write_ssh_config()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ensure_made(self) -> image.Image:
        """Make sure of a record and a root that fit; the image that it stands on. Raises LabError."""
        if self.name in self.ground.vms():
            raise LabError(f"{self.name} is a VM: take another name, or `down {self.name} --purge` first")
        made = image.build(self.suite)
        digest = self.digest(made)
        known = records.read(self.record)
        if known is not None and known.digest == digest:
            return made
        if self.folder.exists():
            if known is not None:
                say(f"{self.name}: was made from something else; making it anew")
            self.remove()
        self.folder.mkdir(parents=True)
        with locking.locked(self.ground.lab.lock, "another guest being made"):
            record = Record(self.ground.free_slot(), self.suite, digest)
            records.write(self.record, record)
            self.ground.write_ssh_config()
        return made

    def digest(self, made: image.Image) -> str:
        """Short hash of everything that it is made from."""
        parts = [made.root, START, self.ground.public_key, rootfs.VERSION, prepared.SCRIPT]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
