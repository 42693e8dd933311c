"""Plug disks and network cards into a domain and out, live and persistently. Each call is idempotent."""

from limen.hypervisor.connection import Connection


def attach_disk(
    conn: Connection,
    uuid: str,
    target: str,
    pool: str,
    volume: str,
    bus: str = "virtio",
    readonly: bool = False,
) -> bool:
    """True if it had to be attached. Raises `Refused` when `target` is taken by another volume."""
    raise NotImplementedError


def detach_disk(conn: Connection, uuid: str, target: str, seconds: float = 30.0) -> bool:
    """True if it had to be detached; waits until the guest let go, else raises `Refused`."""
    raise NotImplementedError


def attach_interface(
    conn: Connection,
    uuid: str,
    mac: str,
    network: str | None = None,
    bridge: str | None = None,
    model: str = "virtio",
) -> bool:
    raise NotImplementedError


def detach_interface(conn: Connection, uuid: str, mac: str, seconds: float = 30.0) -> bool:
    raise NotImplementedError


def move_interface(
    conn: Connection, uuid: str, mac: str, network: str | None = None, bridge: str | None = None
) -> bool:
    """Connect the card to another network in place, MAC and guest device staying as they are."""
    raise NotImplementedError
