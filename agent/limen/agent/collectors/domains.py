"""Every domain of the host, by libvirt's bulk statistics."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import libvirt

from limen.agent.hints import Hints
from limen.agent.link import Link
from limen.agent.metrics import Family, counter, gauge, labels
from limen.agent.owners import Owners
from limen.agent.statistics import Bulk
from limen.hypervisor.states import state_name

KIB = 1024
NANOSECONDS = 1e9
_OFF = frozenset({"shutoff", "crashed", "nostate"})


@dataclass(frozen=True, slots=True)
class BlockReading:
    """Counters of one disk since the domain started, sizes in bytes; None is what was not told."""

    device: str
    reads: int | None
    read_bytes: int | None
    read_seconds: float | None
    writes: int | None
    written_bytes: int | None
    write_seconds: float | None
    flushes: int | None
    capacity: int | None
    allocation: int | None
    physical: int | None


@dataclass(frozen=True, slots=True)
class NetworkReading:
    """Counters of one network card since the domain started, as the guest sees them."""

    device: str
    received_bytes: int | None
    received_packets: int | None
    receive_errors: int | None
    receive_drops: int | None
    sent_bytes: int | None
    sent_packets: int | None
    send_errors: int | None
    send_drops: int | None


@dataclass(frozen=True, slots=True)
class DomainReading:
    """One domain. Memory in bytes: `balloon` is what the guest holds, `resident` what QEMU does.

    `complete` is False for a running domain whose QEMU could not be asked: it is busy, or hangs.
    """

    uuid: str
    name: str
    project: str
    owner: str
    state: str
    complete: bool
    vcpus: int | None
    vcpus_maximum: int | None
    cpu_seconds: float | None
    cpu_user_seconds: float | None
    cpu_system_seconds: float | None
    vcpu_seconds: Mapping[str, float]
    memory_balloon: int | None
    memory_maximum: int | None
    memory_resident: int | None
    blocks: tuple[BlockReading, ...]
    networks: tuple[NetworkReading, ...]


_COLUMNS = (
    ("vcpus", gauge, "vCPUs that are plugged in.", "vcpus"),
    ("vcpus_maximum", gauge, "vCPUs that the domain may grow to.", "vcpus_maximum"),
    ("cpu_seconds_total", counter, "CPU time that the domain took, QEMU itself included.", "cpu_seconds"),
    ("cpu_user_seconds_total", counter, "Of the CPU time, that in user mode.", "cpu_user_seconds"),
    ("cpu_system_seconds_total", counter, "Of the CPU time, that in the kernel.", "cpu_system_seconds"),
    ("memory_balloon_bytes", gauge, "Memory that the guest holds.", "memory_balloon"),
    ("memory_maximum_bytes", gauge, "Memory that the guest may grow to.", "memory_maximum"),
    ("memory_rss_bytes", gauge, "Memory of the host's that the QEMU process holds.", "memory_resident"),
)
_BLOCK_COLUMNS = (
    ("reads_total", counter, "Reads of the disk.", "reads"),
    ("read_bytes_total", counter, "Bytes read from the disk.", "read_bytes"),
    ("read_seconds_total", counter, "Time spent in reads.", "read_seconds"),
    ("writes_total", counter, "Writes to the disk.", "writes"),
    ("written_bytes_total", counter, "Bytes written to the disk.", "written_bytes"),
    ("write_seconds_total", counter, "Time spent in writes.", "write_seconds"),
    ("flushes_total", counter, "Flushes of the disk.", "flushes"),
    ("capacity_bytes", gauge, "Size of the disk as the guest sees it.", "capacity"),
    ("allocation_bytes", gauge, "Highest offset written to the disk's file.", "allocation"),
    ("physical_bytes", gauge, "Size of the disk's file or device.", "physical"),
)
_NETWORK_COLUMNS = (
    ("receive_bytes_total", counter, "Bytes that the guest received.", "received_bytes"),
    ("receive_packets_total", counter, "Packets that the guest received.", "received_packets"),
    ("receive_errors_total", counter, "Errors while the guest received.", "receive_errors"),
    ("receive_drops_total", counter, "Packets to the guest that were dropped.", "receive_drops"),
    ("transmit_bytes_total", counter, "Bytes that the guest sent.", "sent_bytes"),
    ("transmit_packets_total", counter, "Packets that the guest sent.", "sent_packets"),
    ("transmit_errors_total", counter, "Errors while the guest sent.", "send_errors"),
    ("transmit_drops_total", counter, "Packets from the guest that were dropped.", "send_drops"),
)


@dataclass(frozen=True)
class DomainsReading:
    domains: tuple[DomainReading, ...]

    def families(self) -> Iterable[Family]:
        state = gauge("limen_domain_state", "1, labelled with the domain's state.")
        complete = gauge(
            "limen_domain_complete", "0 where the domain's QEMU could not be asked: busy or hanging."
        )
        vcpu = counter("limen_domain_vcpu_seconds_total", "CPU time of each vCPU.")
        own = [make(f"limen_domain_{name}", help_) for name, make, help_, _ in _COLUMNS]
        block = [make(f"limen_domain_block_{name}", help_) for name, make, help_, _ in _BLOCK_COLUMNS]
        network = [make(f"limen_domain_network_{name}", help_) for name, make, help_, _ in _NETWORK_COLUMNS]
        for domain in self.domains:
            label = labels(domain=domain.name, uuid=domain.uuid, project=domain.project, owner=domain.owner)
            state.add(1, f'{label},state="{domain.state}"')
            complete.add(int(domain.complete), label)
            _fill(own, _COLUMNS, domain, label)
            for number, seconds in domain.vcpu_seconds.items():
                vcpu.add(seconds, f'{label},vcpu="{number}"')
            for disk in domain.blocks:
                _fill(block, _BLOCK_COLUMNS, disk, f"{label},{labels(device=disk.device)}")
            for card in domain.networks:
                _fill(network, _NETWORK_COLUMNS, card, f"{label},{labels(device=card.device)}")
        return [state, complete, *own, vcpu, *block, *network]


class DomainsCollector:
    def __init__(self, link: Link, bulk: Bulk, hints: Hints, owners: Owners) -> None:
        self._link = link
        self._bulk = bulk
        self._hints = hints
        self._owners = owners

    def collect(self) -> DomainsReading:
        found = self._bulk.get()
        domains = {domain.UUIDString(): domain for domain, _ in found}
        if not self._hints.all_known(domains.keys()):
            self._link.run(lambda _handle: self._hints.learn(domains))
        return DomainsReading(
            tuple(
                self._domain(uuid, domain, stats)
                for (uuid, domain), (_, stats) in zip(domains.items(), found, strict=True)
            )
        )

    def _domain(self, uuid: str, domain: Any, stats: Mapping[str, Any]) -> DomainReading:
        owner = self._owners.owner_of(uuid, self._hints.of(uuid))
        return read_domain(uuid, domain.name(), owner.project, owner.owner, stats)


def read_domain(uuid: str, name: str, project: str, owner: str, stats: Mapping[str, Any]) -> DomainReading:
    """Libvirt's statistics of one domain as values. Pure."""
    get = stats.get
    state = state_name(get("state.state", libvirt.VIR_DOMAIN_NOSTATE))
    return DomainReading(
        uuid=uuid,
        name=name,
        project=project,
        owner=owner,
        state=state,
        complete=state in _OFF or "balloon.rss" in stats,
        vcpus=get("vcpu.current"),
        vcpus_maximum=get("vcpu.maximum"),
        cpu_seconds=_seconds(get("cpu.time")),
        cpu_user_seconds=_seconds(get("cpu.user")),
        cpu_system_seconds=_seconds(get("cpu.system")),
        vcpu_seconds={
            str(number): stats[f"vcpu.{number}.time"] / NANOSECONDS
            for number in range(get("vcpu.maximum", 0))
            if f"vcpu.{number}.time" in stats
        },
        memory_balloon=_bytes(get("balloon.current")),
        memory_maximum=_bytes(get("balloon.maximum")),
        memory_resident=_bytes(get("balloon.rss")),
        blocks=tuple(_block(stats, f"block.{number}.") for number in range(get("block.count", 0))),
        networks=tuple(_network(stats, f"net.{number}.") for number in range(get("net.count", 0))),
    )


def _block(stats: Mapping[str, Any], prefix: str) -> BlockReading:
    get = stats.get
    return BlockReading(
        device=get(prefix + "name", ""),
        reads=get(prefix + "rd.reqs"),
        read_bytes=get(prefix + "rd.bytes"),
        read_seconds=_seconds(get(prefix + "rd.times")),
        writes=get(prefix + "wr.reqs"),
        written_bytes=get(prefix + "wr.bytes"),
        write_seconds=_seconds(get(prefix + "wr.times")),
        flushes=get(prefix + "fl.reqs"),
        capacity=get(prefix + "capacity"),
        allocation=get(prefix + "allocation"),
        physical=get(prefix + "physical"),
    )


def _network(stats: Mapping[str, Any], prefix: str) -> NetworkReading:
    get = stats.get
    return NetworkReading(
        device=get(prefix + "name", ""),
        received_bytes=get(prefix + "rx.bytes"),
        received_packets=get(prefix + "rx.pkts"),
        receive_errors=get(prefix + "rx.errs"),
        receive_drops=get(prefix + "rx.drop"),
        sent_bytes=get(prefix + "tx.bytes"),
        sent_packets=get(prefix + "tx.pkts"),
        send_errors=get(prefix + "tx.errs"),
        send_drops=get(prefix + "tx.drop"),
    )


def _fill(families: list[Family], columns: Iterable[tuple[Any, ...]], reading: object, label: str) -> None:
    for family, (_, _, _, attribute) in zip(families, columns, strict=True):
        family.add(getattr(reading, attribute), label)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NANOSECONDS


def _bytes(kib: int | None) -> int | None:
    return None if kib is None else kib * KIB
