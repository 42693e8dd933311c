"""The provider process with hosts that need no libvirtd: `fake:///UUID` reaches the host of that UUID."""

import sys
from typing import NoReturn

import libvirt

from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import HypervisorUnavailable
from limen_provider.heartbeat import Heartbeats
from limen_provider.hosts import Hosts
from limen_provider.server import serve
from limen_provider.services import Services


class Missing(libvirt.libvirtError):  # type: ignore[misc]  # libvirt ships no types
    """What libvirt raises for a name that nothing has."""

    def __init__(self, code: int) -> None:
        super().__init__("there is none")
        self.err = (code, libvirt.VIR_FROM_QEMU, "there is none", libvirt.VIR_ERR_ERROR, "", "", "", 0, 0)


class Handle:
    """As much of a virConnect as the provider's checks of hosts and names use: one with nothing on it."""

    def __init__(self, uuid: str) -> None:
        self._uuid = uuid

    def getCapabilities(self) -> str:  # noqa: N802
        return f"<capabilities><host><uuid>{self._uuid}</uuid></host></capabilities>"

    def lookupByName(self, _name: str) -> NoReturn:  # noqa: N802
        raise Missing(libvirt.VIR_ERR_NO_DOMAIN)

    def networkLookupByName(self, _name: str) -> NoReturn:  # noqa: N802
        raise Missing(libvirt.VIR_ERR_NO_NETWORK)

    def isAlive(self) -> bool:  # noqa: N802
        return True


def open_uri(uri: str) -> Connection:
    if not uri.startswith("fake:///"):
        raise HypervisorUnavailable(uri, "only fakes here")
    return Connection(uri, Handle(uri.removeprefix("fake:///")), readonly=False)


def main() -> None:
    services = Services(hosts=Hosts(open_uri))
    services.heartbeats = Heartbeats(
        lambda claim, fences: services.client.heartbeat(claim, fences), seconds=0.2
    )
    serve(sys.argv[-1], "0.1.0", services)
