"""One scan of a host: bulk calls where libvirt has them, and nothing fails because it vanished meanwhile."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import libvirt

from limen.hypervisor import domain_xml, storage, xmltools
from limen.hypervisor.connection import Connection, host_uuid
from limen.hypervisor.domain_xml import DiskXml
from limen.hypervisor.model import (
    DiskSeen,
    DomainSeen,
    DomainState,
    HostObservation,
    NetworkSeen,
    SnapshotSeen,
    VolumeSeen,
)
from limen.hypervisor.states import state_name

SCAN_SECONDS = 60.0
T = TypeVar("T")

_GONE = (
    libvirt.VIR_ERR_NO_DOMAIN,
    libvirt.VIR_ERR_NO_NETWORK,
    libvirt.VIR_ERR_NO_DOMAIN_SNAPSHOT,
)


@dataclass(frozen=True)
class _DomainRead:
    """What was read of a domain, before its disks are matched with volumes."""

    state: DomainState
    autostart: bool
    live: str | None
    defined: str | None
    snapshots: tuple[str, ...]
    block_capacity: dict[str, int]


def scan(conn: Connection, seconds: float = SCAN_SECONDS) -> HostObservation:
    """Everything the host holds. The caller notes the time before the call: the scan has begun then.

    Raises `HypervisorUnavailable` or `HypervisorError`: then nothing was seen, and nothing may be concluded.
    """
    return conn.run(lambda handle: _scan(handle, host_uuid(conn)), seconds)


def read_domain(handle: Any, domain: Any) -> DomainSeen:
    """One domain, with the volumes of its disks as far as pools know them."""
    read = _read(domain, {})
    volumes = (_volume_of(handle, disk) for disk in _disks(read))
    return _seen(read, [volume for volume in volumes if volume])


def parse_network(network: Any) -> NetworkSeen:
    root = xmltools.parse(network.XMLDesc(0))
    return NetworkSeen(
        uuid=network.UUIDString(),
        name=network.name(),
        active=bool(network.isActive()),
        persistent=bool(network.isPersistent()),
        bridge=xmltools.attribute(root, "bridge", "name"),
        hint=domain_xml.hint_of(root),
    )


def _scan(handle: Any, host: str) -> HostObservation:
    # Domains first: a volume made meanwhile is seen all the same, and one that went was seen by no domain.
    blocks = _block_capacities(handle)
    reads = _still_there(
        handle.listAllDomains(0), lambda domain: _read(domain, blocks.get(domain.UUIDString(), {}))
    )
    networks = _still_there(handle.listAllNetworks(0), parse_network)
    raw, unseen = storage.list_volumes(handle)
    volumes = storage.judge(raw, [disk for read in reads for disk in _disks(read)])
    return HostObservation(
        host_uuid=host,
        domains=tuple(sorted((_seen(read, volumes) for read in reads), key=lambda domain: domain.uuid)),
        networks=tuple(sorted(networks, key=lambda network: network.uuid)),
        volumes=volumes,
        unseen_pools=tuple(unseen),
    )


def _still_there(things: Iterable[Any], read: Callable[[Any], T]) -> list[T]:
    found = []
    for thing in things:
        try:
            found.append(read(thing))
        except libvirt.libvirtError as error:
            if error.get_error_code() not in _GONE:
                raise
    return found


def _block_capacities(handle: Any) -> dict[str, dict[str, int]]:
    """Domain UUID -> target -> virtual size as QEMU sees it; of active domains."""
    flags = (
        libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    )
    try:
        stats = handle.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_BLOCK, flags)
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED):
            return {}  # libvirt's test driver
        raise
    sizes: dict[str, dict[str, int]] = {}
    for domain, values in stats:
        count = int(values.get("block.count", 0))
        sizes[domain.UUIDString()] = {
            values[f"block.{n}.name"]: int(values[f"block.{n}.capacity"])
            for n in range(count)
            if f"block.{n}.capacity" in values
        }
    return sizes


def _read(domain: Any, block_capacity: dict[str, int]) -> _DomainRead:
    persistent = bool(domain.isPersistent())
    # The state comes after the definitions: a domain that stops in between is taken as live with its last
    # sizes.
    active = bool(domain.isActive())
    live = domain.XMLDesc(0) if active else None
    defined = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if persistent or not active else None
    return _DomainRead(
        state=state_name(domain.state(0)[0]),
        autostart=bool(domain.autostart()) if persistent else False,
        live=live,
        defined=defined,
        snapshots=_snapshots(domain),
        block_capacity=block_capacity,
    )


def _snapshots(domain: Any) -> tuple[str, ...]:
    try:
        if not domain.snapshotNum(0):
            return ()
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            return ()
        raise
    return tuple(_still_there(domain.listAllSnapshots(0), lambda snapshot: str(snapshot.getXMLDesc(0))))


def _disks(read: _DomainRead) -> list[DiskXml]:
    """Of the live and the persistent definition, each target once, the live one first."""
    disks: dict[tuple[str, str | None, str | None], DiskXml] = {}
    for text in (read.live, read.defined):
        for disk in domain_xml.disks_of(xmltools.parse(text)) if text else ():
            disks.setdefault((disk.target, disk.path, disk.volume), disk)
    return list(disks.values())


def _seen(read: _DomainRead, volumes: Iterable[VolumeSeen]) -> DomainSeen:
    roots = [xmltools.parse(text) for text in (read.live, read.defined) if text]
    by_path = {volume.path: volume for volume in volumes}
    by_name = {volume.identity: volume for volume in by_path.values()}
    cards = {card.mac: card for root in reversed(roots) for card in domain_xml.interfaces_of(root)}

    def disk_seen(disk: DiskXml) -> DiskSeen:
        volume = by_name.get(f"{disk.pool}/{disk.volume}") if disk.pool else by_path.get(disk.path or "")
        capacity = read.block_capacity.get(disk.target) or (volume.capacity if volume else None)
        return DiskSeen(
            target=disk.target,
            device=disk.device,
            path=disk.path or (volume.path if volume else None),
            pool=volume.pool if volume else disk.pool,
            volume=volume.name if volume else disk.volume,
            format=disk.format,
            readonly=disk.readonly,
            capacity=capacity,
        )

    disks = tuple(disk_seen(disk) for disk in _disks(read))
    return DomainSeen(
        uuid=roots[0].findtext("uuid", ""),
        name=roots[0].findtext("name", ""),
        state=read.state,
        autostart=read.autostart,
        live=domain_xml.size_of(xmltools.parse(read.live)) if read.live else None,
        defined=domain_xml.size_of(xmltools.parse(read.defined)) if read.defined else None,
        disks=disks,
        interfaces=tuple(cards.values()),
        snapshots=tuple(_snapshot_seen(text, disks) for text in read.snapshots),
        hint=domain_xml.hint_of(roots[0]),
    )


def _snapshot_seen(text: str, disks: tuple[DiskSeen, ...]) -> SnapshotSeen:
    """An internal snapshot may come to hold a copy of each disk; an external one's layer is a volume."""
    root = xmltools.parse(text)
    internal = {
        disk.get("name") for disk in root.iterfind("disks/disk") if disk.get("snapshot") == "internal"
    }
    held = sum(disk.capacity or 0 for disk in disks if disk.target in internal)
    memory = xmltools.attribute(root, "memory", "snapshot")
    domain = root.find("domain")
    if memory in ("internal", "external") and domain is not None:
        held += domain_xml.size_of(domain).memory
    return SnapshotSeen(name=root.findtext("name", ""), disk=held)


def _volume_of(handle: Any, disk: DiskXml) -> VolumeSeen | None:
    try:
        if disk.pool:
            volume = handle.storagePoolLookupByName(disk.pool).storageVolLookupByName(disk.volume)
        elif disk.path:
            volume = handle.storageVolLookupByPath(disk.path)
        else:
            return None  # an empty drive
        pool = volume.storagePoolLookupByVolume().name()
        return storage.parse_volume(pool, volume.XMLDesc(0)).seen
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL):
            return None
        raise
