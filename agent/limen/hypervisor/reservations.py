"""Fixed addresses that a network's DHCP server gives to network cards, live and in its definition."""

import xml.etree.ElementTree as ET
from ipaddress import ip_address
from typing import Any

import libvirt

from limen.hypervisor import domain_xml, xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import NotFound, Refused
from limen.hypervisor.networks import definitions

_ADD = libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST
_DELETE = libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE
_HOST = libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST


def reserve_address(
    conn: Connection,
    network: str,
    mac: str,
    address: str,
    hostname: str | None = None,
    claim: str | None = None,
) -> bool:
    """Give the card `mac` this address from now on, in place of another. True if it had to be written.

    A card of a domain of `claim` loses the address to this one: an owner whose cards swap addresses changes
    them in any order. Raises `Refused` when the network has no DHCP for it or gave the address to another
    card, `NotFound`.
    """

    def work(handle: Any) -> bool:
        held = handle.networkLookupByName(network)
        changed = False
        for flag, root in definitions(held):
            parent = _parent(root, address)
            if parent is None:
                raise Refused(
                    f"The network {network} has no DHCP server for {address}: choose an address that "
                    "it gives out, or leave it out."
                )
            own = _entry(root, mac)
            if own is not None and (own.get("ip"), own.get("name")) == (address, hostname):
                continue
            other = _other(root, mac, address)
            if other is not None:
                if claim is None or (other.get("mac") or "").lower() not in _cards(handle, claim):
                    raise Refused(
                        f"The network {network} gives {address} to {other.get('name') or other.get('mac')}: "
                        "choose another address."
                    )
                _delete(held, parent, other, flag)
            if own is not None:
                _delete(held, _parent(root, own.get("ip", address)) or parent, own, flag)
            wanted = ET.Element("host", mac=mac, ip=address)
            if hostname is not None:
                wanted.set("name", hostname)
            _update(held, _ADD, parent, wanted, flag)
            changed = True
        return changed

    return conn.run(work)


def release_address(conn: Connection, network: str, mac: str) -> bool:
    """Forget the card's fixed address. True if it had one; a network that is gone has none."""

    def work(handle: Any) -> bool:
        held = handle.networkLookupByName(network)
        changed = False
        for flag, root in definitions(held):
            own = _entry(root, mac)
            parent = None if own is None else _parent(root, own.get("ip", ""))
            if own is not None and parent is not None:
                _delete(held, parent, own, flag)
                changed = True
        return changed

    try:
        return conn.run(work)
    except NotFound:
        return False


def _parent(root: ET.Element, address: str) -> tuple[int, ET.Element] | None:
    """The `ip` element with DHCP of the address's family, with its index among all of them."""
    try:
        version = ip_address(address).version
    except ValueError:
        return None
    for index, element in enumerate(root.findall("ip")):
        family = 6 if element.get("family") == "ipv6" else 4
        if family == version and element.find("dhcp") is not None:
            return index, element
    return None


def _entry(root: ET.Element, mac: str) -> ET.Element | None:
    for entry in root.iterfind("ip/dhcp/host"):
        if (entry.get("mac") or "").lower() == mac.lower():
            return entry
    return None


def _other(root: ET.Element, mac: str, address: str) -> ET.Element | None:
    """The entry of another card that has the address."""
    for entry in root.iterfind("ip/dhcp/host"):
        if entry.get("ip") == address and (entry.get("mac") or "").lower() != mac.lower():
            return entry
    return None


def _cards(handle: Any, claim: str) -> set[str]:
    """The MAC addresses, in lower case, of the domains whose hint names the claim."""
    roots = [xmltools.parse(domain.XMLDesc(0)) for domain in handle.listAllDomains(0)]
    found = [root for root in roots if (hint := domain_xml.hint_of(root)) and hint.claim == claim]
    return {card.mac.lower() for root in found for card in domain_xml.interfaces_of(root)}


def _delete(network: Any, parent: tuple[int, ET.Element], entry: ET.Element, flag: int) -> None:
    """Delete an entry, unless another card of the same owner took the address over meanwhile."""
    try:
        _update(network, _DELETE, parent, entry, flag)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
        held = dict(definitions(network)).get(flag)
        if held is not None and _has(held, entry):
            raise


def _has(root: ET.Element, entry: ET.Element) -> bool:
    return any(each.attrib == entry.attrib for each in root.iterfind("ip/dhcp/host"))


def _update(network: Any, command: int, parent: tuple[int, ET.Element], entry: ET.Element, flag: int) -> None:
    network.update(command, _HOST, parent[0], xmltools.unparse(entry), flag)
