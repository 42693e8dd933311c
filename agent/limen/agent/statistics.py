"""Statistics of every domain in one call of libvirt's, even where one QEMU does not answer."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import libvirt

from limen.agent.link import Link
from limen.agent.workers import Worker

# At once at most: libvirtd lets a connection have five calls under way, and others need theirs.
CALLS = 3
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


class Bulk:
    """The bulk call, with a way around a QEMU that hangs.

    Libvirt waits for a stopped QEMU for ever, and with it the whole call. But while that call is under way
    the domain is busy, so a second one passes it over. The first is waited for `patience` seconds, each of
    the others `limit` seconds: then it hangs too.
    """

    def __init__(self, link: Link, patience: float, limit: float) -> None:
        self._waits = [patience, *[limit] * (CALLS - 1)]
        self._workers = [
            Worker(
                f"bulk {number}",
                # Keepalives end a call that libvirtd does not answer; one that waits for QEMU has to stay.
                lambda: link.run(bulk_statistics, threading.TIMEOUT_MAX),
            )
            for number in range(CALLS)
        ]

    def get(self) -> Stats:
        """Statistics of every domain; raises TimeoutError, HypervisorUnavailable, HypervisorError."""
        for worker, seconds in zip(self._workers, self._waits, strict=True):
            run = worker.begin()
            try:
                return run.result(time.monotonic() + seconds - run.seconds)
            except TimeoutError:
                continue
        raise TimeoutError(f"{CALLS} calls of libvirt hang: as many QEMU processes do not answer")
