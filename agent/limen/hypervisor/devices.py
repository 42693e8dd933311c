"""Plug disks and network cards into a domain and out of it, live and in its definition.

Each call looks at both and changes only what is missing, so one cut off halfway is completed by repeating it.
"""

import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import libvirt

from limen.hypervisor import domain_xml, storage, xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.definitions import LIVE, definitions, live
from limen.hypervisor.errors import Refused

DETACH_SECONDS = 30.0
POLL_SECONDS = 0.2
Find = Callable[[ET.Element], ET.Element | None]


def attach_disk(
    conn: Connection,
    uuid: str,
    target: str,
    pool: str,
    volume: str,
    bus: str = "virtio",
    readonly: bool = False,
) -> bool:
    """Attach a volume as `target` (`vdb`). True if it had to be attached.

    Raises `Refused` when `target` holds another volume, `NotFound` for the domain, pool or volume.
    """

    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        held = handle.storagePoolLookupByName(pool).storageVolLookupByName(volume)
        found = storage.parse_volume(pool, held.XMLDesc(0)).seen
        block = held.info()[0] == libvirt.VIR_STORAGE_VOL_BLOCK
        text = domain_xml.disk_xml(target, found.path, block, found.format or "raw", bus, readonly)

        def is_there(root: ET.Element) -> bool:
            element = domain_xml.find_disk(root, target)
            if element is None:
                return False
            disk = domain_xml.parse_disk(element)
            if disk.path == found.path or (disk.pool, disk.volume) == (pool, volume):
                return True
            raise Refused(
                f"{target} of the domain {domain.name()} already holds {disk.path or disk.volume}: "
                "choose another target, or detach that disk first."
            )

        missing = [flag for flag, root in definitions(domain) if not is_there(root)]
        for flag in missing:
            domain.attachDeviceFlags(text, flag)
        return bool(missing)

    return conn.run(work)


def detach_disk(conn: Connection, uuid: str, target: str, seconds: float = DETACH_SECONDS) -> bool:
    """True if it had to be detached; the volume stays. Raises `Refused` when the guest does not let go in
    time.
    """
    return _detach(conn, uuid, f"the disk {target}", lambda root: domain_xml.find_disk(root, target), seconds)


def attach_interface(
    conn: Connection,
    uuid: str,
    mac: str,
    network: str | None = None,
    bridge: str | None = None,
    model: str = "virtio",
) -> bool:
    """Plug in a card on a network or a host's bridge. True if it had to be; one that has moved is moved
    back.
    """
    text = domain_xml.interface_xml(mac, network, bridge, model)

    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        held = definitions(domain)
        missing = [flag for flag, root in held if domain_xml.find_interface(root, mac) is None]
        for flag in missing:
            domain.attachDeviceFlags(text, flag)
        moved = len(missing) < len(held) and move_interface(conn, uuid, mac, network, bridge)
        return bool(missing) or moved

    return conn.run(work, DETACH_SECONDS + 30.0)


def detach_interface(conn: Connection, uuid: str, mac: str, seconds: float = DETACH_SECONDS) -> bool:
    """True if it had to be detached. Raises `Refused` when the guest does not let go in time."""
    return _detach(conn, uuid, f"the card {mac}", lambda root: domain_xml.find_interface(root, mac), seconds)


def move_interface(
    conn: Connection, uuid: str, mac: str, network: str | None = None, bridge: str | None = None
) -> bool:
    """Connect a card to another network; it keeps its MAC. True if it moved.

    Its guest sees the same device, but where the network is one of Open vSwitch: a running card is unplugged
    then and plugged in again. Raises `Refused` when the domain has no such card, or does not let go of it.
    """

    def find(root: ET.Element) -> ET.Element | None:
        return domain_xml.find_interface(root, mac)

    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        updates = []
        for flag, root in definitions(domain):
            element = find(root)
            if element is None:
                raise Refused(f"The domain {domain.name()} has no network card {mac}.")
            card = domain_xml.parse_interface(element)
            # A running card on a libvirt network names the network's bridge as well.
            if card.network != network or (network is None and card.bridge != bridge):
                domain_xml.connect_interface(element, network, bridge)
                updates.append((flag, xmltools.unparse(element)))
        for flag, text in updates:
            try:
                domain.updateDeviceFlags(text, flag)
            except libvirt.libvirtError as error:
                # What libvirt says to every change of a running card whose network has a virtual port.
                if (flag, error.get_error_code()) != (LIVE, libvirt.VIR_ERR_OPERATION_UNSUPPORTED):
                    raise
                model = xmltools.attribute(xmltools.parse(text), "model", "type") or "virtio"
                _unplug(domain, LIVE, live(domain), f"the card {mac}", find)
                domain.attachDeviceFlags(domain_xml.interface_xml(mac, network, bridge, model), LIVE)
        return bool(updates)

    return conn.run(work, DETACH_SECONDS + 30.0)


def _detach(conn: Connection, uuid: str, what: str, find: Find, seconds: float) -> bool:
    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        # Of a running domain the live definition comes first: what the guest keeps stays defined as well.
        done = [_unplug(domain, flag, root, what, find, seconds) for flag, root in definitions(domain)]
        return any(done)

    return conn.run(work, seconds + 30.0)


def _unplug(
    domain: Any, flag: int, root: ET.Element, what: str, find: Find, seconds: float = DETACH_SECONDS
) -> bool:
    """Take a device out of one definition, live with its guest's consent. True if it was there."""
    element = find(root)
    if element is None:
        return False
    domain.detachDeviceFlags(xmltools.unparse(element), flag)
    if flag == LIVE and not _gone(domain, find, seconds):
        raise Refused(
            f"The guest {domain.name()} has not let go of {what} within {seconds:g} s. Stop using it "
            "inside the guest (a guest that boots or is paused cannot answer) and try again."
        )
    return True


def _gone(domain: Any, find: Find, seconds: float) -> bool:
    """Unplugging is a request to the guest: wait until the live definition shows that it answered."""
    deadline = time.monotonic() + seconds
    while domain.isActive() and find(live(domain)) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
