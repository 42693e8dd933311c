"""Volumes: find, grow."""

from typing import Any, Literal

import libvirt

from limen.hypervisor import domain_xml, storage, xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import NotFound, Refused
from limen.hypervisor.model import VolumeSeen
from limen.quota.units import format_amount

Grown = Literal["none", "live", "offline"]


def find_volume(conn: Connection, pool: str, name: str) -> VolumeSeen | None:
    """The volume as libvirt probes it; None when the host does not have the pool or the volume."""

    def work(handle: Any) -> VolumeSeen:
        volume = handle.storagePoolLookupByName(pool).storageVolLookupByName(name)
        return storage.parse_volume(pool, volume.XMLDesc(0)).seen

    try:
        return conn.run(work)
    except NotFound:
        return None


def plan_grow(identity: str, held: int, capacity: int, in_use: bool) -> Grown:
    """How a change from `held` to `capacity` bytes would be made; pure. Raises `Refused` for a shrink: it
    destroys data.
    """
    if capacity < held:
        raise Refused(
            f"The volume {identity} has {format_amount(held, 'disk')} and cannot shrink to "
            f"{format_amount(capacity, 'disk')}: what lies beyond would be lost. Make a smaller one and copy."
        )
    if capacity == held:
        return "none"
    return "live" if in_use else "offline"


def grow_volume(conn: Connection, pool: str, name: str, capacity: int) -> Grown:
    """Grow to `capacity` bytes: through QEMU when an active domain writes to it, else through the pool.

    Raises `Refused` for a shrink, and where the pool cannot grow volumes (logical ones), `NotFound`.
    """

    def work(handle: Any) -> Grown:
        volume = handle.storagePoolLookupByName(pool).storageVolLookupByName(name)
        seen = storage.parse_volume(pool, volume.XMLDesc(0)).seen
        user = _active_user(handle, seen)
        way = plan_grow(seen.identity, seen.capacity, capacity, user is not None)
        if user is not None and way == "live":
            domain, target = user
            domain.blockResize(target, capacity, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        if way == "offline":
            _resize(volume, seen, capacity)
        return way

    return conn.run(work, 120.0)


def _resize(volume: Any, seen: VolumeSeen, capacity: int) -> None:
    try:
        volume.resize(capacity, 0)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
            raise
        raise Refused(
            f"Libvirt cannot grow volumes of the pool {seen.pool}. Grow {seen.path} on the host (`lvextend` "
            "for a logical volume), then run this again."
        ) from error


def _active_user(handle: Any, volume: VolumeSeen) -> tuple[Any, str] | None:
    """The active domain, and its disk's target, whose QEMU has this volume open."""
    for domain in handle.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        try:
            root = xmltools.parse(domain.XMLDesc(0))
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                continue
            raise
        for disk in domain_xml.disks_of(root):
            if disk.path == volume.path or (disk.pool, disk.volume) == (volume.pool, volume.name):
                return domain, disk.target
    return None
