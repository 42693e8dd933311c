"""What all containers of an image have above it: a user to log in as, and package lists.

A host in use has lists, and apt's check mode knows no package without them. Whoever installs brings them up
to date all the same.
"""

import hashlib
import shutil
from pathlib import Path

from tests.lab import aptproxy, image, locking, netns, progress
from tests.lab.guest import documents
from tests.lab.guest.ground import Ground

# Runs in a mount namespace of its own, within the lab's network: the image with an empty folder above it.
SCRIPT = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" &&
mount -t tmpfs tmpfs "$2/root/tmp" && mount --bind /dev "$2/root/dev" &&
chroot "$2/root" useradd --create-home --shell /bin/bash --uid 1000 --groups adm,sudo,systemd-journal "$3" &&
chroot "$2/root" apt-get -qq -o Acquire::http::Proxy="$4" update
"""


def layer(ground: Ground, made: image.Image) -> Path:
    """The folder of that layer, made unless it is there; one that was killed half-way is begun anew.

    Raises LabError with the last words of what failed.
    """
    key = hashlib.sha256(f"{made.root}\n{SCRIPT}".encode()).hexdigest()[:16]
    final = ground.folder / f".prepared-{key}"
    if final.exists():
        return final / "upper"
    with locking.locked(ground.lab.lock.with_name(f"{ground.lab.lock.name}-prepared"), "package lists"):
        if final.exists():
            return final / "upper"
        draft = final.with_suffix(".draft")
        shutil.rmtree(draft, ignore_errors=True)
        for name in ("upper", "work", "root"):
            (draft / name).mkdir(parents=True)
        argv = [
            *netns.enter(ground.lab),
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            SCRIPT,
        ]
        argv += ["limen-prepared", made.root, str(draft), documents.USER, aptproxy.url(ground.lab)]
        progress.run("package lists and a user for containers", argv)
        draft.rename(final)
        return final / "upper"
