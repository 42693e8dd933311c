"""What a container is told before its first boot: the files that cloud-init writes in a VM."""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab import aptproxy
from tests.lab.guest import documents
from tests.lab.guest.ground import Ground
from tests.lab.guest.machine import run
from tests.lab.instance import NAMESPACE

# Raised when what stands here changes: containers of another version are made anew.
VERSION = 1
USER_ID = 1000
# A container has no file system of its own to remount, and no kernel to be told about.
MASKED = ("systemd-remount-fs.service", "systemd-udev-trigger.service", "systemd-udevd.service")


@dataclass(frozen=True)
class File:
    """A file's text, its mode, and whether it is the user's."""

    text: str
    mode: int = 0o644
    users: bool = False


def files(name: str, ground: Ground) -> Mapping[str, File]:
    """Path below the root -> file."""
    home = f"home/{documents.USER}"
    proxy = f'Acquire::http::Proxy "{aptproxy.url(ground.lab)}";\n'
    return {
        "etc/cloud/cloud-init.disabled": File(""),
        "etc/hostname": File(f"{name}\n"),
        "etc/hosts": File(
            f"127.0.0.1 localhost\n127.0.1.1 {name}.{documents.DOMAIN} {name}\n::1 localhost\n"
        ),
        "etc/resolv.conf": File(f"search {documents.DOMAIN}\nnameserver {documents.SUBNET[1]}\n"),
        "etc/network/interfaces": File("auto lo\niface lo inet loopback\n"),
        # Two containers of one image are two machines.
        "etc/machine-id": File(f"{uuid.uuid5(NAMESPACE, f'{ground.lab.name}/{name}').hex}\n", 0o444),
        "etc/apt/apt.conf.d/90proxy": File(proxy),
        f"etc/sudoers.d/{documents.USER}": File(f"{documents.USER} ALL=(ALL) NOPASSWD:ALL\n", 0o440),
        f"{home}/.ssh/authorized_keys": File(f"{ground.public_key}\n", 0o600, users=True),
    }


def lay(root: Path, wanted: Mapping[str, File]) -> None:
    """Write them below `root`, with a key of its SSH daemon, and mask what it has no use for."""
    root.mkdir()
    root.chmod(0o755)
    for path, file in wanted.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text)
        target.chmod(file.mode)
        if file.users:
            for owned in (target, target.parent, target.parent.parent):
                os.chown(owned, USER_ID, USER_ID)
            target.parent.chmod(0o700)
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (root / "etc/ssh").mkdir()
    key = root / "etc/ssh/ssh_host_ed25519_key"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)])
