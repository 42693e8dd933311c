"""Find, start, stop, rename domains; addresses of their cards."""

from typing import Literal

from limen.hypervisor.connection import Connection
from limen.hypervisor.model import DomainSeen, InterfaceAddress

GRACEFUL_SECONDS = 120.0
Stopped = Literal["already", "graceful", "hard"]


def find_domain(conn: Connection, uuid: str) -> DomainSeen | None:
    raise NotImplementedError


def start_domain(conn: Connection, uuid: str) -> bool:
    """True if it had to be started."""
    raise NotImplementedError


def stop_domain(
    conn: Connection, uuid: str, graceful_seconds: float = GRACEFUL_SECONDS, allow_hard: bool = False
) -> Stopped:
    """Shut down; after `graceful_seconds` power off if `allow_hard`, else raise `Refused`."""
    raise NotImplementedError


def rename_domain(
    conn: Connection,
    uuid: str,
    name: str,
    graceful_seconds: float = GRACEFUL_SECONDS,
    allow_hard: bool = False,
) -> bool:
    """True if renamed. An active domain is shut down and started again."""
    raise NotImplementedError


def addresses(conn: Connection, uuid: str) -> tuple[InterfaceAddress, ...]:
    """From guest agent, DHCP leases and ARP, in that order of trust; empty while there is none."""
    raise NotImplementedError
