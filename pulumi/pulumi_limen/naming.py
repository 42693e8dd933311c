"""What things are called on the host and in Pulumi; pure, so that the same program always plans the same."""

import hashlib


def libvirt_name(stack: str, key: str) -> str:
    """Names on a host are shared by all stacks there, hence the prefix."""
    return f"{stack}-{key}"


def mac_address(program: str, stack: str, vm_key: str, index: int) -> str:
    """The MAC address of a VM's card: QEMU's prefix, then 24 bits that depend on nothing else.

    It does not depend on the claim or the network, so a VM that is admitted anew or moved keeps it.
    """
    digest = hashlib.sha256(f"{program}/{stack}/{vm_key}/{index}".encode()).hexdigest()
    return "52:54:00:" + ":".join(digest[start : start + 2] for start in (0, 2, 4))


def seed_name(disk_name: str, content: str) -> str:
    """The name of a cloud-init medium: another content is another volume, so that the new one can be made
    before the old one goes."""
    return f"{disk_name}-seed-{hashlib.sha256(content.encode()).hexdigest()[:8]}.iso"
