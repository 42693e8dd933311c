"""Change a domain's vCPUs and memory in place: live within its ceilings, else with a restart."""

import time
from typing import Any, Literal

import libvirt

from limen.hypervisor import domain_xml, xmltools
from limen.hypervisor.connection import Connection
from limen.hypervisor.domain_xml import KIB
from limen.hypervisor.domains import GRACEFUL_SECONDS, POLL_SECONDS, start_domain, stop_domain
from limen.hypervisor.errors import Refused
from limen.hypervisor.model import DomainSeen, Size
from limen.hypervisor.observe import read_domain
from limen.quota.units import format_amount

ONLINE_SECONDS = 10.0
Way = Literal["none", "live", "restart"]


def target_size(
    defined: Size, vcpus: int, memory: int, max_vcpus: int | None = None, max_memory: int | None = None
) -> Size:
    """The definition to aim at.

    Name the ceilings where they were declared. One that is not named stays while there is headroom below it;
    a definition at its ceiling has none to speak of, and there the ceiling follows the size, up and down.
    """
    if max_vcpus is None:
        max_vcpus = defined.max_vcpus if defined.max_vcpus > defined.vcpus else vcpus
    if max_memory is None:
        max_memory = defined.max_memory if defined.max_memory > defined.memory else memory
    return Size(vcpus, memory, max(vcpus, max_vcpus), max(memory, max_memory))


def plan_resize(
    domain: DomainSeen,
    vcpus: int,
    memory: int,
    max_vcpus: int | None = None,
    max_memory: int | None = None,
) -> Way:
    """How a change to `vcpus` and `memory` (bytes) would be made now; pure.

    `live` covers a domain that is off. Ceilings of a running guest only change with a restart; if nothing
    else needs one, the new ceilings wait for its next start.
    """
    _check(vcpus, memory)
    wanted = target_size(_defined(domain), vcpus, memory, max_vcpus, max_memory)
    if domain.live is None:
        return "none" if wanted == domain.defined else "live"
    if vcpus > domain.live.max_vcpus or memory > domain.live.max_memory:
        return "restart"
    if vcpus < domain.live.vcpus:
        return "restart"  # a vCPU that was there at boot cannot be unplugged
    if wanted == domain.defined and vcpus == domain.live.vcpus:
        # The balloon may not have got there yet; that is the guest's affair, and asking again changes
        # nothing.
        return "none" if memory <= domain.live.memory else "live"
    return "live"


def resize_domain(
    conn: Connection,
    uuid: str,
    vcpus: int,
    memory: int,
    graceful_seconds: float = GRACEFUL_SECONDS,
    allow_restart: bool = True,
    allow_hard: bool = False,
    max_vcpus: int | None = None,
    max_memory: int | None = None,
    running: bool | None = None,
) -> Way:
    """Make the change and return the way it took; repeating it does nothing.

    A restart changes the definition first, so one cut off halfway leaves a domain that starts with its new
    size; with `running=True` a repeated call starts it. None leaves a domain that was off alone. Raises
    `Refused` when only a way is left that is not allowed (nothing is changed then, except that a guest which
    does not shut down keeps running with the new definition waiting), `NotFound`.
    """

    _check(vcpus, memory)

    def work(handle: Any) -> Way:
        domain = handle.lookupByUUIDString(uuid)
        seen = read_domain(handle, domain)
        way = plan_resize(seen, vcpus, memory, max_vcpus, max_memory)
        if way == "restart" and not allow_restart:
            raise Refused(_would_restart(seen))
        wanted = target_size(_defined(seen), vcpus, memory, max_vcpus, max_memory)
        if way == "live" and seen.live is not None:
            _change_live(domain, seen.live, wanted)
        if wanted != seen.defined:
            _redefine(handle, domain, wanted)
        if way == "restart":
            stop_domain(conn, uuid, graceful_seconds, allow_hard)
        if way == "restart" or (running and seen.live is None):
            start_domain(conn, uuid)
        return way

    return conn.run(work, graceful_seconds + 120.0)


def _change_live(domain: Any, live: Size, wanted: Size) -> None:
    if wanted.vcpus != live.vcpus:
        domain.setVcpusFlags(wanted.vcpus, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        if _agent_connected(domain):
            _bring_online(domain, wanted.vcpus)
    if wanted.memory != live.memory:
        domain.setMemoryFlags(wanted.memory // KIB, libvirt.VIR_DOMAIN_AFFECT_LIVE)


def _bring_online(domain: Any, vcpus: int) -> None:
    """Debian and others leave a vCPU that was plugged in offline until someone says so in the guest.

    The guest needs a moment to notice it. One that does not is left as it is: it has got what it was given.
    """
    deadline = time.monotonic() + ONLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            domain.setVcpusFlags(vcpus, libvirt.VIR_DOMAIN_VCPU_GUEST)
        except libvirt.libvirtError:
            time.sleep(POLL_SECONDS)
        else:
            return


def _redefine(handle: Any, domain: Any, wanted: Size) -> None:
    flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    handle.defineXML(domain_xml.with_size(domain.XMLDesc(flags), wanted))


def _agent_connected(domain: Any) -> bool:
    root = xmltools.parse(domain.XMLDesc(0))
    return any(
        target.get("name") == "org.qemu.guest_agent.0" and target.get("state") == "connected"
        for target in root.iterfind("devices/channel/target")
    )


def _defined(domain: DomainSeen) -> Size:
    if domain.defined is None:
        raise Refused(f"The domain {domain.name} is transient: it has no definition that could be changed.")
    return domain.defined


def _would_restart(domain: DomainSeen) -> str:
    live = domain.live or _defined(domain)
    return (
        f"The domain {domain.name} would have to be restarted: live it holds {live.vcpus} vCPUs, which "
        f"cannot be unplugged, and can grow to {live.max_vcpus} vCPUs and "
        f"{format_amount(live.max_memory, 'memory')} of memory. Allow a restart, or stay within that."
    )


def _check(vcpus: int, memory: int) -> None:
    if vcpus < 1 or memory < KIB or memory % KIB:
        raise Refused(
            "A domain needs at least one vCPU and memory in whole KiB; "
            f"{vcpus} vCPUs and {memory} bytes were asked for."
        )
