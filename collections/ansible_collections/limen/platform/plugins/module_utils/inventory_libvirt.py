# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Reads the machines of a hypervisor over libvirt, with few calls and none that can hang its caller."""

from __future__ import annotations

import threading
import time
import typing as t

from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError
from ansible_collections.limen.platform.plugins.module_utils.host_uri import parse
from ansible_collections.limen.platform.plugins.module_utils.inventory_machines import (
    Address,
    Machine,
    forward_mode,
    parse_domain,
    useful,
)

try:
    import libvirt
except ImportError:
    libvirt = None

SOURCES = ("lease", "agent", "arp")
STATES = ("nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "suspended")
"""In the order of libvirt's virDomainState."""

_AGENT, _ARP = 1, 2  # virDomainInterfaceAddressesSource
_NO_SUPPORT, _NO_DOMAIN, _NO_NETWORK = 3, 42, 43  # virErrorNumber
_STATE_STATS = 1  # VIR_DOMAIN_STATS_STATE


class HypervisorUnavailable(LimenError):
    """A hypervisor gave no answer; the message names it and says what libvirt said."""


def open_connection(uri: str, writable: bool) -> t.Any:
    """A virConnect; raises LimenError for no URI or without libvirt-python, else libvirt's error."""
    address = without_questions(uri)
    if libvirt is None:
        raise LimenError(
            "Ansible's Python on this machine lacks libvirt-python: install Debian's python3-libvirt, or "
            "libvirt-python into Ansible's virtual environment."
        )
    # Libvirt prints every error to standard error by itself; here they are raised and told once.
    libvirt.registerErrorHandler(lambda *_ignored: None, None)
    return libvirt.open(address) if writable else libvirt.openReadOnly(address)


def without_questions(uri: str) -> str:
    """The URI, written anew, with SSH told not to ask for passwords: nobody would see the question."""
    there = parse(uri)
    return (there.having("no_tty", "1") if there.transport == "ssh" else there).text


def read_all(
    hypervisors: t.Sequence[tuple[str, str]],
    sources: t.Sequence[str],
    seconds: float,
    connect: t.Callable[[str, bool], t.Any] = open_connection,
) -> list[list[Machine] | LimenError]:
    """The machines of each hypervisor (URI, name or ""), or why it can't be read; all are asked at once.

    What does not answer within `seconds` is left behind in its thread.
    """
    found: list[list[Machine] | LimenError] = [
        HypervisorUnavailable(f"The hypervisor {uri} gave no answer within {seconds:g} s.")
        for uri, _name in hypervisors
    ]

    def work(index: int) -> None:
        uri, name = hypervisors[index]
        try:
            found[index] = read_hypervisor(uri, name, sources, connect)
        except LimenError as error:
            found[index] = error
        except Exception as error:  # noqa: BLE001  libvirt's own error class may not be there to be named
            words = " ".join(str(error).split())
            found[index] = HypervisorUnavailable(f"The hypervisor {uri} can't be read: {words}.")

    threads = [
        threading.Thread(target=work, args=(index,), name=f"libvirt {index}", daemon=True)
        for index in range(len(hypervisors))
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return list(found)


def read_hypervisor(
    uri: str,
    name: str = "",
    sources: t.Sequence[str] = ("lease", "arp"),
    connect: t.Callable[[str, bool], t.Any] = open_connection,
) -> list[Machine]:
    """Every domain of the host, by name. `agent` among `sources` needs a connection that may write."""
    connection = connect(uri, "agent" in sources)
    try:
        hypervisor = name or connection.getHostname()
        modes, leases = _networks(connection, "lease" in sources)
        machines = []
        for domain, values in connection.getAllDomainStats(_STATE_STATS, 0):
            number = values.get("state.state", 0)
            state = STATES[number] if number < len(STATES) else STATES[0]
            machine = _machine(domain, state, uri, hypervisor)
            if machine is None:
                continue
            for card in machine.cards:
                card.mode = modes.get(card.network, "")
                card.addresses += [Address(each, "lease") for each in leases.get(card.mac, ())]
            if state == "running":
                _ask_further(domain, machine, sources)
            machines.append(machine)
        return sorted(machines, key=lambda each: (each.name, each.uuid))
    finally:
        connection.close()


def _networks(connection: t.Any, with_leases: bool) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Forward modes by network, addresses by MAC: one call a network instead of one a machine."""
    modes: dict[str, str] = {}
    leases: dict[str, list[str]] = {}
    for network in connection.listAllNetworks(0):
        try:
            modes[network.name()] = forward_mode(network.XMLDesc(0))
            held = _leases(network) if with_leases and network.isActive() else []
        except Exception as error:
            if _code(error) != _NO_NETWORK:
                raise
            continue  # it went in between
        for lease in held:
            if lease.get("mac") and useful(lease["ipaddr"]):
                leases.setdefault(lease["mac"].lower(), []).append(lease["ipaddr"])
    return modes, leases


def _leases(network: t.Any) -> list[dict[str, t.Any]]:
    try:
        found: list[dict[str, t.Any]] = network.DHCPLeases()
        return found
    except Exception as error:
        if _code(error) != _NO_SUPPORT:
            raise
        return []  # a driver that gives no leases


def _machine(domain: t.Any, state: str, uri: str, hypervisor: str) -> Machine | None:
    try:
        return parse_domain(domain.XMLDesc(0), state, uri, hypervisor)
    except Exception as error:
        if _code(error) != _NO_DOMAIN:
            raise
        return None  # it went in between


def _ask_further(domain: t.Any, machine: Machine, sources: t.Sequence[str]) -> None:
    """Ask agent and ARP for the cards that no source before has told the address of, in the given order."""
    for source, number in (("agent", _AGENT), ("arp", _ARP)):
        silent = {card.mac: card for card in machine.cards if not card.addresses}
        if source not in sources or not silent:
            continue
        try:
            told = domain.interfaceAddresses(number, 0)
        except Exception as error:
            if _code(error) is None:
                raise
            continue  # no agent in the guest, no ARP table to be read: this source just does not know
        for each in told.values():
            card = silent.get((each.get("hwaddr") or "").lower())
            if card is not None:
                card.addresses += [
                    Address(held["addr"], source) for held in each.get("addrs") or () if useful(held["addr"])
                ]


def _code(error: Exception) -> int | None:
    """Libvirt's error number; None for what is no error of libvirt."""
    ask = getattr(error, "get_error_code", None)
    return None if ask is None else ask()
