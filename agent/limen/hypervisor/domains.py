"""Find, start, stop, rename domains; addresses of their cards."""

import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Literal, cast

import libvirt

from limen.hypervisor import domain_xml, xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.definitions import definitions
from limen.hypervisor.errors import NotFound, Refused
from limen.hypervisor.model import DomainSeen, Hint, InterfaceAddress
from limen.hypervisor.observe import read_domain

GRACEFUL_SECONDS = 120.0
POLL_SECONDS = 0.25
ASK_AGAIN_SECONDS = 10.0
Stopped = Literal["already", "graceful", "hard"]

_ADDRESS_SOURCES: tuple[tuple[Literal["agent", "lease", "arp"], int], ...] = (
    ("agent", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT),
    ("lease", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE),
    ("arp", libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP),
)


def find_domain(conn: Connection, uuid: str) -> DomainSeen | None:
    """The domain as `scan` would see it; None when the host does not have it."""
    try:
        return conn.run(lambda handle: read_domain(handle, handle.lookupByUUIDString(uuid)))
    except NotFound:
        return None


def start_domain(conn: Connection, uuid: str, seconds: float = 60.0) -> bool:
    """True if it had to be started; a paused domain is resumed. Raises `NotFound`."""

    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        state = domain.state(0)[0]
        if not domain.isActive():
            domain.create()
            return True
        if state == libvirt.VIR_DOMAIN_PAUSED:
            domain.resume()
            return True
        return False

    return conn.run(work, seconds)


def stop_domain(
    conn: Connection, uuid: str, graceful_seconds: float = GRACEFUL_SECONDS, allow_hard: bool = False
) -> Stopped:
    """Ask the guest to shut down and wait; after `graceful_seconds` power it off if `allow_hard`.

    Raises `Refused` when the guest does not stop and a power-off is not allowed (the guest runs on),
    `NotFound`.
    """

    def work(handle: Any) -> Stopped:
        domain = handle.lookupByUUIDString(uuid)
        if not domain.isActive():
            return "already"
        # A paused guest cannot hear the request.
        if domain.state(0)[0] != libvirt.VIR_DOMAIN_PAUSED and _shut_down(domain, graceful_seconds):
            return "graceful"
        if not allow_hard:
            raise Refused(
                f"The guest {domain.name()} did not shut down within {graceful_seconds:g} s. Shut it down "
                "from inside and try again, or allow a hard power-off, which loses what it has not written."
            )
        domain.destroy()
        return "hard"

    return conn.run(work, graceful_seconds + 60.0)


def rename_domain(
    conn: Connection,
    uuid: str,
    name: str,
    graceful_seconds: float = GRACEFUL_SECONDS,
    allow_hard: bool = False,
    running: bool | None = None,
) -> bool:
    """True if it had to be renamed. An active domain is shut down and started again; UUID and disks stay.

    With `running=True` it is started whatever it was, which completes a rename that was cut off halfway.
    Raises `Refused` when the name is taken or the guest does not shut down, `NotFound`.
    """

    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        if domain.name() == name:
            if running:
                start_domain(conn, uuid)
            return False
        try:
            taken = handle.lookupByName(name).UUIDString()
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise
        else:
            raise Refused(f"The name {name} is taken by the domain {taken}: choose another.")
        was_active = bool(domain.isActive())
        if was_active:
            stop_domain(conn, uuid, graceful_seconds, allow_hard)
        try:
            domain.rename(name, 0)
        finally:
            if was_active or running:
                domain.create()
        return True

    return conn.run(work, graceful_seconds + 120.0)


def set_hint(conn: Connection, uuid: str, hint: Hint) -> bool:
    """Write Limen's metadata, live and in the definition. True if it was another. Raises `NotFound`."""

    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        if all(domain_xml.hint_of(root) == hint for _, root in definitions(domain)):
            return False
        _set_metadata(domain, domain_xml.hint_xml(hint), "limen", xmltools.HINT_NAMESPACE)
        return True

    return conn.run(work)


def set_tags(conn: Connection, uuid: str, tags: Mapping[str, str]) -> bool:
    """Write the tags, live and in the definition, in place of others. True if they were others.

    Raises `NotFound`.
    """

    def work(handle: Any) -> bool:
        domain = handle.lookupByUUIDString(uuid)
        if all(domain_xml.tags_of(root) == tags for _, root in definitions(domain)):
            return False
        text = domain_xml.tags_xml(tags) if tags else None  # None takes the element away
        _set_metadata(domain, text, "limen-tags", xmltools.TAGS_NAMESPACE)
        return True

    return conn.run(work)


def find_metadata(conn: Connection, uuid: str) -> tuple[Hint | None, Mapping[str, str]] | None:
    """Hint and tags of the domain as it runs, else as it is defined; None when the host does not have it."""

    def work(handle: Any) -> tuple[Hint | None, Mapping[str, str]]:
        root = xmltools.parse(handle.lookupByUUIDString(uuid).XMLDesc(0))
        return domain_xml.hint_of(root), domain_xml.tags_of(root)

    try:
        return conn.run(work)
    except NotFound:
        return None


def addresses(conn: Connection, uuid: str) -> tuple[InterfaceAddress, ...]:
    """Addresses of the guest's cards: of the guest agent, else DHCP leases, and what ARP adds.

    Loopback and link-local addresses are left out; empty while there is none. Raises `NotFound`.
    """

    def work(handle: Any) -> tuple[InterfaceAddress, ...]:
        domain = handle.lookupByUUIDString(uuid)
        if not domain.isActive():
            return ()
        cards = {card.mac for card in domain_xml.interfaces_of(xmltools.parse(domain.XMLDesc(0)))}
        found: dict[tuple[str, str], InterfaceAddress] = {}
        for source, flag in _ADDRESS_SOURCES:
            for address in _of_source(domain, source, flag):
                if address.mac in cards:
                    found.setdefault((address.mac, address.address), address)
        return tuple(found.values())

    return conn.run(work)


def wait_for_address(conn: Connection, uuid: str, seconds: float) -> tuple[InterfaceAddress, ...]:
    """The addresses as soon as there is one. Raises `Refused` after `seconds`, `NotFound`."""
    deadline = time.monotonic() + seconds
    while True:
        found = addresses(conn, uuid)
        if found:
            return found
        if time.monotonic() > deadline:
            raise Refused(
                f"The domain {uuid} has no address after {seconds:g} s. Look at its console, and whether its "
                "network has DHCP."
            )
        time.sleep(POLL_SECONDS * 4)


def _set_metadata(domain: Any, text: str | None, prefix: str, namespace: str) -> None:
    flags = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
    flags |= libvirt.VIR_DOMAIN_AFFECT_CONFIG if domain.isPersistent() else 0
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, text, prefix, namespace, flags)


def _shut_down(domain: Any, seconds: float) -> bool:
    """Whether the guest stopped in time. Asked again now and then: a guest that boots misses the first
    request.
    """
    deadline = time.monotonic() + seconds
    ask_at = 0.0
    while time.monotonic() < deadline:
        try:
            if time.monotonic() >= ask_at:
                domain.shutdown()
                ask_at = time.monotonic() + ASK_AGAIN_SECONDS
            if not domain.isActive():
                return True
        except libvirt.libvirtError as error:
            # It went between two calls: a transient domain is then unknown, a persistent one not running.
            if error.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
                raise
            return True
        time.sleep(POLL_SECONDS)
    return False


def _of_source(domain: Any, source: Literal["agent", "lease", "arp"], flag: int) -> list[InterfaceAddress]:
    try:
        cards = cast(dict[str, Any], domain.interfaceAddresses(flag, 0))
    except libvirt.libvirtError:
        return []  # no agent, no DHCP server of libvirt's own: this source just does not know
    return [
        InterfaceAddress(
            mac=card["hwaddr"].lower(), address=held["addr"], prefix=held["prefix"], source=source
        )
        for card in cards.values()
        for held in card["addrs"] or ()
        if card["hwaddr"] and _useful(held["addr"])
    ]


def _useful(address: str) -> bool:
    """Whether it is an address that others reach.

    The guest agent's word is the guest's: an IPv6 zone may be any text, and ssh puts it into a shell's line.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return "%" not in address and not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)
