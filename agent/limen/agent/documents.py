"""The shapes of the JSON documents. docs/agent-schema.json is made of them, and tests hold the answers to it.

The agent itself does not import this: what it answers is read from the collectors as they are, and a host
without libvirt need not load libvirt for the sake of a type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from limen.agent.collectors.cpu import CpuReading
from limen.agent.collectors.disks import DisksReading
from limen.agent.collectors.domains import DomainReading
from limen.agent.collectors.filesystems import FilesystemsReading
from limen.agent.collectors.interfaces import InterfacesReading
from limen.agent.collectors.load import LoadReading
from limen.agent.collectors.memory import MemoryReading
from limen.agent.collectors.networks import LibvirtNetworksReading
from limen.agent.collectors.pools import PoolsReading
from limen.agent.collectors.pressure import PressureReading
from limen.agent.collectors.process import ProcessReading
from limen.agent.collectors.projects import ProjectsReading
from limen.agent.collectors.swap import SwapReading
from limen.agent.collectors.uptime import UptimeReading


@dataclass(frozen=True)
class CollectorState:
    """How a collector fared: seconds that it took, or has taken so far, and why it brought nothing."""

    success: bool
    seconds: float
    error: str | None


@dataclass(frozen=True)
class SystemDocument:
    """`GET /v1/system`. A reading is null where its collector failed, and missing where there is no libvirt;
    `projects` where there is no control plane.

    `time` is the moment of the answer (RFC 3339, UTC); `collectors` has an entry for each collector asked.
    """

    hostname: str
    time: str
    version: str
    collectors: Mapping[str, CollectorState]
    cpu: CpuReading | None
    load: LoadReading | None
    memory: MemoryReading | None
    swap: SwapReading | None
    filesystems: FilesystemsReading | None
    disks: DisksReading | None
    interfaces: InterfacesReading | None
    pressure: PressureReading | None
    uptime: UptimeReading | None
    process: ProcessReading | None
    pools: PoolsReading | None = None
    networks: LibvirtNetworksReading | None = None
    projects: ProjectsReading | None = None


@dataclass(frozen=True)
class DomainsDocument:
    """`GET /v1/domains`; 503 with a problem document where libvirt does not answer in time."""

    time: str
    domains: tuple[DomainReading, ...]


@dataclass(frozen=True)
class HealthDocument:
    """`GET /healthz`: the process serves; `failing` names collectors that failed when last asked."""

    status: Literal["ok", "degraded"]
    failing: tuple[str, ...]
