"""Listing volumes: what every pool holds, and which pools could not be seen."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import libvirt

from limen.hypervisor import xmltools
from limen.hypervisor.domain_xml import DiskXml
from limen.hypervisor.model import VolumeRole, VolumeSeen

NETWORK_POOLS = ("netfs", "gluster", "rbd", "iscsi", "iscsi-direct", "sheepdog")
IMAGE_NAME = re.compile(r"limen-image-[0-9a-f]{64}(\.[a-z0-9]+)?")


@dataclass(frozen=True)
class RawVolume:
    """A volume as libvirt probes it; `physical` is the length of its file or device."""

    seen: VolumeSeen
    physical: int


def list_volumes(handle: Any) -> tuple[list[RawVolume], list[str]]:
    """All volumes, and the names of the pools that exist but cannot be listed."""
    volumes: list[RawVolume] = []
    unseen: list[str] = []
    for pool in handle.listAllStoragePools(0):
        try:
            found = _of_pool(pool)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_POOL:
                unseen.append(pool.name())
            continue
        volumes.extend(found)
    return volumes, sorted(unseen)


def _of_pool(pool: Any) -> list[RawVolume]:
    volumes, unreadable = _listed(pool)
    if unreadable is None:
        return volumes
    # A file that was deleted behind libvirt's back makes its volume unreadable until the pool is read anew. A
    # server that is away, or a filesystem that is not mounted, looks the same, and a fresh look would find an
    # empty folder: nothing there would not mean gone. So a fresh look is taken only where some can be read.
    network_storage = xmltools.parse(pool.XMLDesc(0)).get("type") in NETWORK_POOLS
    if network_storage or not volumes:
        raise unreadable
    pool.refresh(0)
    volumes, unreadable = _listed(pool)
    if unreadable is not None:
        raise unreadable
    return volumes


def _listed(pool: Any) -> tuple[list[RawVolume], libvirt.libvirtError | None]:
    """The volumes that can be read, and the error of one that is listed but cannot be."""
    volumes = []
    errors: dict[str, libvirt.libvirtError] = {}
    for volume in pool.listAllVolumes(0):
        try:
            volumes.append(parse_volume(pool.name(), volume.XMLDesc(0)))
        except libvirt.libvirtError as error:
            errors[volume.name()] = error
    # Libvirt answers alike for a file that is missing and for a volume that was deleted since it was listed.
    still = set(pool.listVolumes()) if errors else set()
    return volumes, next((error for name, error in errors.items() if name in still), None)


def parse_volume(pool: str, text: str) -> RawVolume:
    root = xmltools.parse(text)
    seen = VolumeSeen(
        pool=pool,
        name=root.findtext("name", ""),
        key=root.findtext("key", ""),
        path=root.findtext("target/path", ""),
        capacity=_bytes(root, "capacity"),
        allocation=_bytes(root, "allocation"),
        format=xmltools.attribute(root, "target/format", "type"),
        backing=root.findtext("backingStore/path"),
        role="disk",
    )
    return RawVolume(seen, _bytes(root, "physical"))


def judge(raw: Iterable[RawVolume], disks: Iterable[DiskXml]) -> tuple[VolumeSeen, ...]:
    """Volumes with their roles, in order of pool and name.

    Libvirt guesses a volume's format from its content, and a raw disk's content is its guest's: a guest can
    write a qcow2 header there, with any capacity or backing file. Where a domain uses a volume as raw, its
    size is its length.
    """
    volumes = list(raw)
    by_path = {volume.seen.path: volume.seen.identity for volume in volumes}
    as_raw: set[str] = set()
    as_disk: set[str] = set()
    as_cd: set[str] = set()
    for disk in disks:
        identity = f"{disk.pool}/{disk.volume}" if disk.pool else by_path.get(disk.path or "")
        if identity is None:
            continue
        (as_cd if disk.device == "cdrom" else as_disk).add(identity)
        if disk.format == "raw" and disk.device == "disk":
            as_raw.add(identity)
    honest = [_as_raw(volume) if volume.seen.identity in as_raw else volume.seen for volume in volumes]
    backing = {volume.backing for volume in honest if volume.backing}
    judged = (replace(volume, role=_role(volume, backing, as_cd - as_disk)) for volume in honest)
    return tuple(sorted(judged, key=lambda volume: (volume.pool, volume.name)))


def _as_raw(volume: RawVolume) -> VolumeSeen:
    seen = volume.seen
    if seen.format == "raw" or not volume.physical:
        return seen
    return replace(seen, format="raw", capacity=volume.physical, backing=None)


def _role(volume: VolumeSeen, backing: set[str], media: set[str]) -> VolumeRole:
    if IMAGE_NAME.fullmatch(volume.name):
        return "image"
    if volume.path in backing:
        return "backing"
    if volume.identity in media:
        return "media"
    return "disk"


def _bytes(root: ET.Element, tag: str) -> int:
    return xmltools.size(root.find(tag), "bytes")
