"""Libvirt's networks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import libvirt

from limen.agent.link import Link
from limen.agent.metrics import Family, gauge, labels

_KINDS = (
    (True, libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE),
    (False, libvirt.VIR_CONNECT_LIST_NETWORKS_INACTIVE),
)


@dataclass(frozen=True)
class LibvirtNetworkReading:
    name: str
    uuid: str
    active: bool


@dataclass(frozen=True)
class LibvirtNetworksReading:
    networks: tuple[LibvirtNetworkReading, ...]

    def families(self) -> Iterable[Family]:
        family = gauge("limen_network_active", "1 where the libvirt network is active.")
        for network in self.networks:
            family.add(int(network.active), labels(network=network.name, uuid=network.uuid))
        return [family]


class NetworksCollector:
    def __init__(self, link: Link) -> None:
        self._link = link

    def collect(self) -> LibvirtNetworksReading:
        return self._link.run(_read)


def _read(handle: Any) -> LibvirtNetworksReading:
    """Two calls, however many networks there are."""
    return LibvirtNetworksReading(
        tuple(
            LibvirtNetworkReading(network.name(), network.UUIDString(), active)
            for active, flag in _KINDS
            for network in handle.listAllNetworks(flag)
        )
    )
