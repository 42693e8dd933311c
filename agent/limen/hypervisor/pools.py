"""Storage pools that the libvirt plugin cannot declare."""

import xml.etree.ElementTree as ET
from typing import Any

import libvirt

from limen.hypervisor import xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import Refused

MOUNT_SECONDS = 120.0


def ensure_nfs_pool(conn: Connection, name: str, server: str, export: str, mount_point: str) -> bool:
    """Define the pool, make its mount point, mount and autostart it. True if anything had to be done.

    Raises `Refused` when a pool of that name is something else, `HypervisorError` when it cannot be mounted:
    a pool that was there before stays as it is, one that this call defined goes again.
    """

    def work(handle: Any) -> bool:
        changed = False
        pool = _find(handle, name)
        if pool is None:
            pool = handle.storagePoolDefineXML(nfs_pool_xml(name, server, export, mount_point), 0)
            changed = True
        _require_same(pool.XMLDesc(0), name, (server, export, mount_point))
        if not pool.isActive():
            try:
                pool.build(0)
                pool.create(0)
            except libvirt.libvirtError:
                if changed:
                    # Nobody would know of it: Pulumi's state has no resource whose creation failed.
                    pool.undefine()
                raise
            changed = True
        if not pool.autostart():
            pool.setAutostart(1)
            changed = True
        return changed

    return conn.run(work, MOUNT_SECONDS)


def remove_pool(conn: Connection, name: str) -> bool:
    """Stop and undefine; what is stored stays. True if it was there."""

    def work(handle: Any) -> bool:
        pool = _find(handle, name)
        if pool is None:
            return False
        if pool.isActive():
            pool.destroy()
        pool.undefine()
        return True

    return conn.run(work, MOUNT_SECONDS)


def nfs_pool_xml(name: str, server: str, export: str, mount_point: str) -> str:
    root = ET.Element("pool", type="netfs")
    ET.SubElement(root, "name").text = name
    source = ET.SubElement(root, "source")
    ET.SubElement(source, "host", name=server)
    ET.SubElement(source, "dir", path=export)
    ET.SubElement(source, "format", type="nfs")
    ET.SubElement(ET.SubElement(root, "target"), "path").text = mount_point
    return xmltools.unparse(root)


def _find(handle: Any, name: str) -> Any | None:
    try:
        return handle.storagePoolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_STORAGE_POOL:
            return None
        raise


def _require_same(text: str, name: str, wanted: tuple[str, str, str]) -> None:
    root = xmltools.parse(text)
    found = (
        xmltools.attribute(root, "source/host", "name"),
        xmltools.attribute(root, "source/dir", "path"),
        root.findtext("target/path"),
    )
    if root.get("type") != "netfs" or found != wanted:
        raise Refused(
            f"The host has a pool {name} that is no mount of {wanted[0]}:{wanted[1]} on {wanted[2]}: choose "
            "another name, or remove that pool."
        )
