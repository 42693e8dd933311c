"""Stack configuration with guests that cost nothing: their boot sector halts the processor at once."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# cli; hlt; and back again should anything ever wake it. The rest is what makes the BIOS take it for bootable.
BOOT_SECTOR = b"\xfa\xf4\xeb\xfc".ljust(510, b"\0") + b"\x55\xaa"
IMAGE_BYTES = 1024 * 1024
MEMORY = "64MiB"
ROOT_DISK = "8MiB"
# What one idle VM is charged.
ONE = {"vms": 1, "vcpus": 1, "memory": 64 * 1024**2, "disk": 8 * 1024**2}


def make_image(path: Path) -> None:
    """Write a qcow2 image whose guest halts at once."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(BOOT_SECTOR.ljust(IMAGE_BYTES, b"\0"))
    subprocess.run(["qemu-img", "convert", "-q", "-O", "qcow2", str(raw), str(path)], check=True)
    raw.unlink()


def image(path: Path) -> dict[str, Any]:
    """The image at `path` as an entry of `images`."""
    return {"source": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def vm(**changes: Any) -> dict[str, Any]:
    """An idle VM on the network `lan`, as an entry of `vms`."""
    idle = {
        "vcpus": 1,
        "memory": MEMORY,
        "image": "idle",
        "disk": ROOT_DISK,
        "networks": ["lan"],
        "machine": "pc",
        "cloud_init": False,
        "wait_for_address": False,
        "autostart": False,
        # It would not hear the power button.
        "shutdown_seconds": 0,
    }
    return {**idle, **changes}


def networks(number: int, *names: str) -> dict[str, dict[str, str]]:
    """Isolated networks; stacks of another number have other addresses."""
    return {
        name: {"mode": "isolated", "cidr": f"10.{number}.{index}.0/24"} for index, name in enumerate(names)
    }


def document(
    image_path: Path, vms: Mapping[str, Mapping[str, Any]], number: int = 60, **sections: Any
) -> dict[str, Any]:
    """A whole specification: these VMs on one network, unless `networks` says otherwise."""
    return {
        "images": {"idle": image(image_path)},
        "networks": networks(number, "lan"),
        "vms": {name: dict(entry) for name, entry in vms.items()},
        **sections,
    }
