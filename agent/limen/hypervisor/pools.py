"""Storage pools that the libvirt plugin cannot declare."""

from limen.hypervisor.connection import Connection


def ensure_nfs_pool(conn: Connection, name: str, server: str, export: str, mount_point: str) -> bool:
    """Define, build, start and autostart; True if anything had to be done."""
    raise NotImplementedError


def remove_pool(conn: Connection, name: str) -> bool:
    """Stop and undefine; the data stays. True if it was there."""
    raise NotImplementedError
