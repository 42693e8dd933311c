"""The guest image: Debian, made by mmdebstrap from the machine's own apt configuration, once, and cached.

For VMs it is a bare ext4 file system that boots with its own kernel and initrd (direct kernel boot,
root=/dev/vda), which needs neither a loop device nor a boot loader. The cloud kernel has no AHCI: a
cloud-init medium goes on IDE (machine type pc), virtio or virtio-scsi. For containers the same system stands
there as a folder.
"""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab import aptconf, locking, progress
from tests.lab.errors import LabError
from tests.lab.instance import cache_root

SUITES = ("bookworm", "trixie")  # Debian 12 and 13
SIZE = "2G"
PACKAGES = (
    "linux-image-cloud-amd64",
    "busybox-static",  # the initrd is made of it
    "systemd-sysv",
    "dbus",
    "udev",
    "openssh-server",
    "cloud-init",
    "python3",  # Ansible
    "python3-apt",
    "sudo",
    "ifupdown",
    "isc-dhcp-client",
    "iproute2",
    "iputils-ping",
    "netcat-openbsd",
    "netbase",
    "procps",
    "less",
    "qemu-guest-agent",
    "libnss-myhostname",  # sudo hangs for 12 s where the guest's own name does not resolve
    "ca-certificates",
)
# Where the build is killed, all of its processes die with it, and nothing of theirs stays mounted: the
# next build removes their folder.
TOGETHER = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
GUEST = Path(__file__).with_name("guest")
SCRIPT = GUEST / "customize.sh"
INITRD_INIT = GUEST / "initrd-init"


@dataclass(frozen=True)
class Image:
    """Paths of disk (qcow2), kernel, initrd and the system as a folder; the SHA-256 of the disk in hex."""

    disk: str
    kernel: str
    initrd: str
    sha256: str
    root: str


def key(suite: str, sources: list[aptconf.Source]) -> str:
    """Hash of everything that the image is made from; the mirror counts, for guests install from it."""
    parts = [suite, SIZE, PACKAGES, SCRIPT.read_text(), INITRD_INIT.read_text(), guest_sources(sources)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def guest_sources(sources: list[aptconf.Source]) -> str:
    """The guest's sources.list: the machine's archives, to be asked through the lab's proxy."""
    return "".join(
        f"deb [signed-by={aptconf.KEYRING}] {line.removeprefix('deb ')}\n"
        for line in (source.through_proxy().line for source in sources)
    )


def guest_apt_conf() -> str:
    """The guest's apt.conf: as relaxed about dates as the machine, no translations."""
    lines = ['Acquire::Languages "none";']
    for name in ("Acquire::Check-Valid-Until", "Acquire::Check-Date"):
        if value := aptconf.option(name):
            lines.append(f'{name} "{value}";')
    return "\n".join(lines) + "\n"


def store() -> Path:
    """The folder of all images."""
    return cache_root() / "images"


def cached(folder: Path) -> Image | None:
    """The image built in that folder, if it is whole."""
    record = folder / "image.json"
    return Image(**json.loads(record.read_text())) if record.exists() else None


def lay_overlay(overlay: Path, sources: list[aptconf.Source]) -> None:
    """Write the files that go into the image before the script runs."""
    apt = overlay / "etc/apt"
    (apt / "apt.conf.d").mkdir(parents=True)
    (apt / "sources.list").write_text(guest_sources(sources))
    (apt / "apt.conf.d/90limen").write_text(guest_apt_conf())
    shutil.copy(SCRIPT, overlay / "limen-customize")
    shutil.copy(INITRD_INIT, overlay / "limen-initrd-init")


def bootstrap(draft: Path, suite: str, sources: list[aptconf.Source]) -> Path:
    """Install the packages and make them a guest; returns the root of the new system."""
    root, overlay, listing, options = (
        draft / name for name in ("root", "overlay", "sources.list", "apt.conf")
    )
    lay_overlay(overlay, sources)
    listing.write_text("".join(f"{source.line}\n" for source in sources))
    options.touch(mode=0o600)  # a proxy may hold a password
    options.write_text("".join(f'{name} "{value}";\n' for name, value in aptconf.shared_options().items()))
    progress.run(
        f"installing Debian {suite} into the guest image (a minute or two)",
        [
            *TOGETHER,
            *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"),
            f"--include={','.join(PACKAGES)}",
            f"--aptopt={options}",
            '--customize-hook=rm -f "$1/etc/apt/sources.list.d/0000sources.list"',
            f'--customize-hook=cp -R "{overlay}/." "$1/"',
            '--customize-hook=chroot "$1" sh /limen-customize',
            '--customize-hook=rm "$1/limen-customize"',
            *(suite, str(root), str(listing)),
        ],
        # Debian's own initrd is not wanted: the script makes a quicker one.
        env={**os.environ, "INITRD": "No"},
    )
    return root


def assemble(draft: Path, root: Path, final: Path) -> Image:
    """Make the disk from the root; returns the image as it will be called once the draft is renamed."""
    boot = root / "boot"
    shutil.copy(next(boot.glob("vmlinuz-*")), draft / "vmlinuz")
    shutil.copy(next(boot.glob("initrd.img-*")), draft / "initrd.img")
    raw, disk = draft / "disk.raw", draft / "disk.qcow2"
    make = ["mkfs.ext4", "-q", "-F", "-L", "limen-root", "-d", str(root), str(raw), SIZE]
    progress.run("making the file system", make)
    progress.run("converting it to qcow2", ["qemu-img", "convert", "-O", "qcow2", str(raw), str(disk)])
    with disk.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    for path in (disk, draft / "vmlinuz", draft / "initrd.img"):
        path.chmod(0o644)
    return Image(
        disk=str(final / disk.name),
        kernel=str(final / "vmlinuz"),
        initrd=str(final / "initrd.img"),
        sha256=digest,
        root=str(final / root.name),
    )


def build(suite: str = SUITES[0]) -> Image:
    """The guest image of that Debian, built unless it is cached; a build that is killed is begun anew.

    Raises LabError for a suite that is none of SUITES, or when a step fails, with its last lines.
    """
    if suite not in SUITES:
        raise LabError(f"there are guest images of {' and '.join(SUITES)}, none of {suite!r}")
    sources = aptconf.sources(suite)
    final = store() / key(suite, sources)
    if image := cached(final):
        return image
    if os.geteuid() != 0:
        raise LabError("building the guest image needs root: run `python3 -m tests.lab image` as root once")
    store().mkdir(parents=True, exist_ok=True)
    with locking.locked(store() / f".lock-{suite}", f"another build of the guest image of {suite}"):
        if image := cached(final):
            return image
        for stale in store().glob(f"draft-{suite}-*"):
            shutil.rmtree(stale)
        draft = Path(tempfile.mkdtemp(prefix=f"draft-{suite}-", dir=store()))
        try:
            image = assemble(draft, bootstrap(draft, suite, sources), final)
            shutil.rmtree(draft / "overlay")
            for rest in ("disk.raw", "apt.conf", "sources.list"):
                (draft / rest).unlink()
            (draft / "image.json").write_text(json.dumps(asdict(image), indent=2) + "\n")
            draft.chmod(0o755)
            draft.rename(final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return image
