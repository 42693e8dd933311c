"""Port forwards: ports of the host that lead to guests of a network, live and in its definition.

Libvirt's network XML has no destination NAT, and metadata of networks cannot be changed live in libvirt
9.0. A forward is a DNS TXT record of the network; Limen's hook (`limen.hypervisor.hooks.network`), which
libvirt runs when the network starts or changes, makes firewall rules of them. A host without that hook keeps
the record only.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import libvirt

from limen.hypervisor import xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import NotFound, Refused
from limen.hypervisor.networks import definitions

_ADD = libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST
_DELETE = libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE
_SECTION = libvirt.VIR_NETWORK_SECTION_DNS_TXT


@dataclass(frozen=True)
class Target:
    """Where a forward leads."""

    address: str
    port: int


def ensure_forward(conn: Connection, network: str, protocol: str, host_port: int, target: Target) -> bool:
    """Let the host's port lead to `target` from now on. True if it had to be written.

    Raises `Refused` when another network has the port or the address is none of this network's, `NotFound`.
    """

    def work(handle: Any) -> bool:
        held = handle.networkLookupByName(network)
        _require_free(handle, network, protocol, host_port)
        changed = False
        for flag, root in definitions(held):
            _require_possible(root, network, target.address)
            own = _record(root, protocol, host_port)
            value = f"{target.address}:{target.port}"
            if own is not None:
                if own.get("value") == value:
                    continue
                held.update(_DELETE, _SECTION, -1, xmltools.unparse(own), flag)
            wanted = ET.Element("txt", name=_name(protocol, host_port), value=value)
            held.update(_ADD, _SECTION, -1, xmltools.unparse(wanted), flag)
            changed = True
        return changed

    return conn.run(work)


def find_forward(conn: Connection, network: str, protocol: str, host_port: int) -> Target | None:
    """Where the port leads; None when it does not lead into this network, or not in all its definitions."""

    def work(handle: Any) -> Target | None:
        held = handle.networkLookupByName(network)
        records = [_record(root, protocol, host_port) for _, root in definitions(held)]
        values = {None if record is None else record.get("value", "") for record in records}
        value = values.pop() if len(values) == 1 else None
        address, _, port = (value or "").rpartition(":")
        return Target(address, int(port)) if port.isdecimal() else None

    try:
        return conn.run(work)
    except NotFound:
        return None


def remove_forward(conn: Connection, network: str, protocol: str, host_port: int) -> bool:
    """Close the port. True if it was forwarded; a network that is gone forwards nothing."""

    def work(handle: Any) -> bool:
        held = handle.networkLookupByName(network)
        changed = False
        for flag, root in definitions(held):
            if (own := _record(root, protocol, host_port)) is not None:
                held.update(_DELETE, _SECTION, -1, xmltools.unparse(own), flag)
                changed = True
        return changed

    try:
        return conn.run(work)
    except NotFound:
        return False


def _name(protocol: str, host_port: int) -> str:
    return f"_limen-forward._{protocol}.{host_port}"


def _record(root: ET.Element, protocol: str, host_port: int) -> ET.Element | None:
    name = _name(protocol, host_port)
    return next((each for each in root.iterfind("dns/txt") if each.get("name") == name), None)


def _require_free(handle: Any, network: str, protocol: str, host_port: int) -> None:
    for other in handle.listAllNetworks(0):
        if other.name() == network:
            continue
        for _, root in definitions(other):
            if (record := _record(root, protocol, host_port)) is not None:
                raise Refused(
                    f"The host's {protocol} port {host_port} leads to {record.get('value')} in the network "
                    f"{other.name()} already: choose another port."
                )


def _require_possible(root: ET.Element, network: str, address: str) -> None:
    mode = root.find("forward")
    if mode is None or mode.get("mode", "nat") not in ("nat", "route"):
        raise Refused(f"The network {network} is neither NAT nor routed: no port can lead into it.")
    dns = root.find("dns")
    if dns is not None and dns.get("enable") == "no":
        raise Refused(f"The network {network} has no name service, among whose records forwards are kept.")
    for element in root.findall("ip"):
        if element.get("family", "ipv4") == "ipv4":
            size = element.get("prefix") or element.get("netmask") or "32"
            if IPv4Address(address) in IPv4Network(f"{element.get('address')}/{size}", strict=False):
                return
    raise Refused(f"{address} is outside the network {network}: forward to an address of a guest in it.")
