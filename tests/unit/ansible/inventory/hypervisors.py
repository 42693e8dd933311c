"""A stateful fake of libvirt's connection: domains and networks as values, asked as libvirt is."""

from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

HINT = {"owner": "vm_stack/dev", "project": "demo", "claim": "c1", "key": "vm:web-1", "stack": "vm_stack/dev"}
NO_DOMAIN, OPERATION_DENIED, NO_AGENT = 42, 29, 86


class FakeError(Exception):
    """As `libvirt.libvirtError`, as far as anybody looks."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self._code = code

    def get_error_code(self) -> int:
        return self._code


@dataclass
class FakeNetwork:
    """A network; `leases` are addresses by MAC."""

    label: str
    mode: str = "nat"
    leases: dict[str, str] = field(default_factory=dict)

    def name(self) -> str:
        return self.label

    def isActive(self) -> int:  # noqa: N802  libvirt's name
        return 1

    def XMLDesc(self, _flags: int) -> str:  # noqa: N802
        forward = "" if self.mode == "isolated" else f"<forward mode='{self.mode}'/>"
        return f"<network><name>{self.label}</name>{forward}</network>"

    def DHCPLeases(self) -> list[dict[str, Any]]:  # noqa: N802
        return [{"mac": mac.upper(), "ipaddr": address} for mac, address in self.leases.items()]


@dataclass
class FakeDomain:
    """A domain; `cards` are (MAC, XML of its source), `told` what agent (1) and ARP (2) know."""

    name: str
    uuid: str
    state: int = 1
    hint: dict[str, str] | None = field(default_factory=lambda: dict(HINT))
    tags: dict[str, str] = field(default_factory=dict)
    cards: list[tuple[str, str]] = field(default_factory=list)
    told: dict[int, dict[str, str]] = field(default_factory=dict)
    gone: bool = False

    def XMLDesc(self, _flags: int) -> str:  # noqa: N802
        if self.gone:
            raise FakeError(NO_DOMAIN, "Domain not found")
        devices = "".join(
            f"<interface type='x'><mac address='{mac}'/>{source}</interface>" for mac, source in self.cards
        )
        return (
            f"<domain type='qemu'><name>{self.name}</name><uuid>{self.uuid}</uuid>"
            f"<metadata>{metadata(self.hint, self.tags)}</metadata>"
            "<memory unit='KiB'>131072</memory><currentMemory unit='KiB'>65536</currentMemory>"
            f"<vcpu current='1'>2</vcpu><devices>{devices}</devices></domain>"
        )

    def interfaceAddresses(self, source: int, _flags: int) -> dict[str, Any]:  # noqa: N802
        if source not in self.told:
            raise FakeError(NO_AGENT, "Guest agent is not responding")
        return {
            f"eth{number}": {"hwaddr": mac, "addrs": [{"addr": address, "prefix": 24}]}
            for number, (mac, address) in enumerate(self.told[source].items())
        }


@dataclass
class FakeConnection:
    domains: list[FakeDomain] = field(default_factory=list)
    networks: list[FakeNetwork] = field(default_factory=list)
    host: str = "host1"
    writable: bool = False
    closed: bool = False

    def getHostname(self) -> str:  # noqa: N802
        return self.host

    def listAllNetworks(self, _flags: int) -> list[FakeNetwork]:  # noqa: N802
        return self.networks

    def getAllDomainStats(self, _stats: int, _flags: int) -> list[tuple[FakeDomain, dict[str, int]]]:  # noqa: N802
        return [(domain, {"state.state": domain.state}) for domain in self.domains]

    def close(self) -> None:
        self.closed = True


def metadata(hint: dict[str, str] | None, tags: dict[str, str]) -> str:
    """Limen's metadata as libvirt keeps it."""
    text = ""
    if hint is not None:
        fields = " ".join(f"{name}={quoteattr(value)}" for name, value in hint.items())
        text += f"<limen:item xmlns:limen='urn:limen:domain:1' {fields}/>"
    if tags:
        inner = "".join(
            f"<t:tag name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in tags.items()
        )
        text += f"<t:tags xmlns:t='urn:limen:tags:1'>{inner}</t:tags>"
    return text
