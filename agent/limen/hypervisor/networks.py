"""Networks: find, and the definitions that one has."""

import xml.etree.ElementTree as ET
from typing import Any

import libvirt

from limen.hypervisor import xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import NotFound
from limen.hypervisor.model import NetworkSeen
from limen.hypervisor.observe import parse_network


def find_network(conn: Connection, uuid: str) -> NetworkSeen | None:
    """The network; None when the host does not have it."""
    try:
        return conn.run(lambda handle: parse_network(handle.networkLookupByUUIDString(uuid)))
    except NotFound:
        return None


def definitions(network: Any) -> list[tuple[int, ET.Element]]:
    """The live and the persistent definition of a libvirt network, each with the flag that changes it."""
    found = []
    if network.isActive():
        found.append((libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE, xmltools.parse(network.XMLDesc(0))))
    if network.isPersistent():
        inactive = network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE)
        found.append((libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG, xmltools.parse(inactive)))
    return found
