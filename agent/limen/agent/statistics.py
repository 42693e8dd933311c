"""Statistics of every domain in one call of libvirt's, even where one QEMU does not answer."""

from collections.abc import Mapping
from typing import Any

import libvirt

Stats = list[tuple[Any, Mapping[str, Any]]]

_GROUPS = (
    libvirt.VIR_DOMAIN_STATS_STATE
    | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL
    | libvirt.VIR_DOMAIN_STATS_BALLOON
    | libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
)
"""What a domain is asked for. A busy domain is not waited for: it tells what libvirtd itself knows."""


def bulk_statistics(handle: Any) -> Stats:
    """Pairs of virDomain and its statistics, of every domain, by one call."""
    found: Stats = handle.getAllDomainStats(_GROUPS, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
    return found
