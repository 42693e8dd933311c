"""What a host can run and how much it has."""

from typing import Literal

from limen.hypervisor.connection import Connection
from limen.hypervisor.model import Capacity, HostCapabilities

DomainTypeChoice = Literal["auto", "kvm", "qemu"]


def capabilities(conn: Connection, domain_type: DomainTypeChoice | None = None) -> HostCapabilities:
    """`domain_type` None reads LIMEN_DOMAIN_TYPE, else `auto`: kvm where libvirt offers it."""
    raise NotImplementedError


def capacity(conn: Connection) -> Capacity:
    raise NotImplementedError
