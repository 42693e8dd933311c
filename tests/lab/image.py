"""The guest image: Debian 12 made by mmdebstrap from the machine's own apt configuration, built once and cached.

It is a bare ext4 file system that boots with its own kernel and initrd (direct kernel boot, root=/dev/vda), which
needs neither a loop device nor a boot loader. Measured under TCG: what is left out here is what made boots slow.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.instance import cache_root

SUITE = "bookworm"
SIZE = "2G"
PACKAGES = (
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "systemd-sysv",
    "dbus",
    "udev",
    "openssh-server",
    "cloud-init",
    "python3",
    "sudo",
    "ifupdown",
    "isc-dhcp-client",
    "iproute2",
    "iputils-ping",
    "netbase",
    "qemu-guest-agent",
    "libnss-myhostname",
    "ca-certificates",
)
# Written into the root file system: path -> text.
FILES = {
    "etc/fstab": "/dev/vda / ext4 rw,relatime,discard 0 1\n",
    "etc/hostname": "guest\n",
    # Modules that a libvirt guest needs to find its root, instead of all there are: a third of the initrd.
    "etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\nvirtio_scsi\nvirtio_net\next4\nsd_mod\n",
    "etc/initramfs-tools/conf.d/limen": "MODULES=list\nCOMPRESS=zstd\n",
    "etc/cloud/cloud.cfg.d/90_limen.cfg": (
        "datasource_list: [NoCloud]\n"
        "manage_etc_hosts: true\n"
        "ssh_genkeytypes: [ed25519]\n"
        "apt_preserve_sources_list: true\n"
        "growpart: {mode: 'off'}\n"
        "resize_rootfs: true\n"
    ),
    "etc/modprobe.d/limen.conf": "blacklist floppy\nblacklist pcspkr\n",
}
CLEAN = (
    "systemctl --root=$1 mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer"
    " systemd-networkd-wait-online.service getty@tty1.service",
    "rm -f $1/etc/ssh/ssh_host_* $1/etc/machine-id && touch $1/etc/machine-id",
    "rm -rf $1/usr/share/doc/* $1/usr/share/man/* $1/usr/share/locale/*",
)


@dataclass(frozen=True)
class Image:
    """A built image: paths of disk (qcow2), kernel and initrd, and the SHA-256 of the disk in hex."""

    disk: str
    kernel: str
    initrd: str
    sha256: str


def sources() -> list[str]:
    """The machine's Debian sources for the suite, as one-line entries."""
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    lines = []
    for entry in dict.fromkeys(listing.split()):
        site, release, component = entry.split("|")
        if release.startswith(SUITE) and component == "main":
            lines.append(f"deb {site} {release} {component}")
    if not lines:
        raise LabError(f"apt knows no source of {SUITE}: the image is made from the machine's own apt configuration")
    return lines


def key() -> str:
    """Hash of everything that the image is made from, but for the mirror."""
    return hashlib.sha256(json.dumps([SUITE, SIZE, PACKAGES, FILES, CLEAN]).encode()).hexdigest()[:16]


def folder() -> Path:
    """Where the image of this key is kept."""
    return cache_root() / "images" / key()


def cached() -> Image | None:
    """The image, if it is built."""
    record = folder() / "image.json"
    return Image(**json.loads(record.read_text())) if record.exists() else None


@contextmanager
def locked() -> Iterator[None]:
    """One build at a time; the lock goes with the process that holds it."""
    path = cache_root() / "images" / ".lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another build of the image", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def step(what: str, argv: list[str]) -> None:
    """Run one command of the build and show that time passes; raises LabError with its last lines."""
    started = time.monotonic()
    done = threading.Event()

    def tick() -> None:
        while not done.wait(10):
            print(f"{what}: {time.monotonic() - started:.0f} s", flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        result = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    finally:
        done.set()
        ticker.join()
    if result.returncode != 0:
        last = "\n".join((result.stdout + result.stderr).splitlines()[-15:])
        raise LabError(f"{what} failed (exit code {result.returncode}):\n{last}")
    print(f"{what}: done in {time.monotonic() - started:.0f} s", flush=True)


def bootstrap(root: Path, listing: Path) -> None:
    """Install the packages into `root` and write our files."""
    overlay = listing.with_name("overlay")
    for path, text in FILES.items():
        target = overlay / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    listing.write_text("\n".join(sources()) + "\n")
    hooks = [f"--customize-hook={command}" for command in CLEAN]
    step(
        "installing Debian into the image",
        [
            *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"),
            f"--include={','.join(PACKAGES)}",
            f"--essential-hook=copy-in {overlay}/etc /",
            *hooks,
            *(SUITE, str(root), str(listing)),
        ],
    )


def build() -> Image:
    """Build the image unless it is cached; a build that is killed leaves nothing that looks finished.

    Raises LabError when a step fails, with its last lines.
    """
    with locked():
        if image := cached():
            return image
        if os.geteuid() != 0:
            raise LabError("building the guest image needs root")
        images = folder().parent
        for stale in images.glob("draft-*"):
            shutil.rmtree(stale)
        draft = Path(tempfile.mkdtemp(prefix="draft-", dir=images))
        root = draft / "root"
        bootstrap(root, draft / "sources.list")
        boot = root / "boot"
        shutil.copy(next(boot.glob("vmlinuz-*")), draft / "vmlinuz")
        shutil.copy(next(boot.glob("initrd.img-*")), draft / "initrd.img")
        raw = draft / "disk.raw"
        step("making the file system", ["mkfs.ext4", "-q", "-F", "-L", "root", "-d", str(root), str(raw), SIZE])
        step("converting to qcow2", ["qemu-img", "convert", "-O", "qcow2", str(raw), str(draft / "disk.qcow2")])
        raw.unlink()
        shutil.rmtree(root)
        shutil.rmtree(draft / "overlay")
        with (draft / "disk.qcow2").open("rb") as disk:
            digest = hashlib.file_digest(disk, "sha256").hexdigest()
        final = folder()
        names = (final / "disk.qcow2", final / "vmlinuz", final / "initrd.img")
        image = Image(*(str(path) for path in names), sha256=digest)
        (draft / "image.json").write_text(json.dumps(asdict(image), indent=2) + "\n")
        draft.chmod(0o755)
        draft.rename(final)
        return image


def main() -> int:
    """Build and print the image as JSON."""
    print(json.dumps(asdict(build()), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
