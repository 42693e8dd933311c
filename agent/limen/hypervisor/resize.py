"""Change a domain's vCPUs and memory in place."""

from typing import Literal

from limen.hypervisor.connection import Connection
from limen.hypervisor.domains import GRACEFUL_SECONDS
from limen.hypervisor.model import DomainSeen

Way = Literal["none", "live", "restart"]


def plan_resize(domain: DomainSeen, vcpus: int, memory: int) -> Way:
    """Which way a change to `vcpus` and `memory` (bytes) would take now; pure."""
    raise NotImplementedError


def resize_domain(
    conn: Connection,
    uuid: str,
    vcpus: int,
    memory: int,
    graceful_seconds: float = GRACEFUL_SECONDS,
    allow_restart: bool = True,
    allow_hard: bool = False,
) -> Way:
    """Do it; returns the way it took. Raises `Refused` when only a way that is not allowed is left."""
    raise NotImplementedError
