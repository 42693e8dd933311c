"""A network's entry."""

from ipaddress import IPv4Address

from pulumi_limen.spec.names import RULES, is_host_name
from pulumi_limen.spec.problems import child
from pulumi_limen.spec.reader import NOWHERE, Reader
from pulumi_limen.spec.values import NetworkSpec, PortForward

_MODES = ("nat", "routed", "isolated", "bridge", "existing")
_OWN = ("cidr", "dhcp", "domain", "dns", "hosts", "port_forwards")
_MADE = ("bridge", "vlan", "autostart", "key")


def parse_network(name: str, reader: Reader) -> NetworkSpec:
    """The network; what is wrong is noted in the reader's problems."""
    mode = reader.choice("mode", _MODES)
    if mode in ("bridge", "existing"):
        reader.forbid(_OWN, f"a network of mode `{mode}` is run by others: leave this out")
    if mode == "existing":
        reader.forbid(_MADE, "an existing network stays as it is: leave this out")
    else:
        reader.forbid(("libvirt_name",), "only for mode `existing`")
    if mode == "bridge" and "bridge" not in reader:
        reader.fail("bridge", "name the host's bridge")
    if mode != "bridge":
        reader.forbid(("vlan",), "only for mode `bridge`, on an Open vSwitch bridge")
    if mode == "isolated":
        reader.forbid(
            ("port_forwards",), "an isolated network is not reached from outside: use nat or routed"
        )
    cidr = reader.network("cidr")
    if mode not in ("bridge", "existing") and "cidr" not in reader:
        reader.fail(
            "cidr", "is missing: choose an IPv4 network that is free on the host, such as 10.20.0.0/24"
        )
    return NetworkSpec(
        name=name,
        key=reader.named("key", "name") or name,
        mode=mode,
        cidr=cidr,
        bridge=reader.named("bridge", "device") or None,
        vlan=reader.whole("vlan"),
        libvirt_name=reader.text("libvirt_name", name) if mode == "existing" else None,
        dhcp=reader.flag("dhcp", mode not in ("bridge", "existing")),
        domain=reader.named("domain", "host_name") or None,
        dns=reader.flag("dns", mode not in ("bridge", "existing")),
        hosts=_hosts(reader),
        port_forwards=_port_forwards(reader),
        autostart=reader.flag("autostart", True),
    )


def check_address(reader: Reader, field: str, address: IPv4Address, network: NetworkSpec) -> None:
    """Note an address that no guest of the network can have."""
    cidr = network.cidr
    if cidr is None or address == NOWHERE:
        return
    if address not in cidr:
        reader.fail(field, f"{address} is outside {cidr}, the network {network.name}")
    elif address == network.gateway:
        reader.fail(field, f"{address} is the host's own address in the network {network.name}")
    elif address in (cidr.network_address, cidr.broadcast_address):
        kind = "first" if address == cidr.network_address else "broadcast"
        reader.fail(field, f"{address} is the {kind} address of {cidr}, which no guest can have")


def _hosts(reader: Reader) -> dict[str, IPv4Address]:
    found = {}
    for name, value in reader.mapping("hosts").items():
        if not is_host_name(name):
            reader.fail(child("hosts", name), f"{name!a:.60} will not do: use {RULES['host_name']}")
        if isinstance(value, str):
            found[name] = reader.parse_address(child("hosts", name), value)
    if found and not reader.flag("dns", True):
        reader.fail("hosts", "needs `dns: true`")
    return found


def _port_forwards(reader: Reader) -> tuple[PortForward, ...]:
    found: list[PortForward] = []
    for index, entry in enumerate(reader.items("port_forwards")):
        each = Reader(entry, child(child(reader.path, "port_forwards"), index), reader.problems)
        found.append(
            PortForward(
                protocol=each.choice("protocol", ("tcp", "udp")),
                host_port=each.whole("host_port") or 0,
                address=each.address("address") or NOWHERE,
                port=each.whole("port") or 0,
            )
        )
    if found and not reader.flag("dns", True):
        reader.fail("port_forwards", "needs `dns: true`: libvirt keeps them among the network's DNS records")
    return tuple(found)
