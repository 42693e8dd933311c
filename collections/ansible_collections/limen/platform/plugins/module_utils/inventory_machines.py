# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A hypervisor's machines as an inventory sees them: libvirt's XML to values. Pure: text in, values out."""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass, field

HINT_NAMESPACE = "urn:limen:domain:1"
TAGS_NAMESPACE = "urn:limen:tags:1"
HINT_FIELDS = ("owner", "project", "claim", "key", "stack")
ROLE_TAG = "role"


@dataclass
class Address:
    """An address of a card; `source` is where it is known from: lease, agent or arp."""

    address: str
    source: str

    @property
    def family(self) -> str:
        return "ipv6" if ":" in self.address else "ipv4"


@dataclass
class Card:
    """A network card. `network` is libvirt's name of its network, `mode` how that is forwarded (nat, route,
    open, bridge, ..., isolated); both are empty for a card on a bridge of the host.
    """

    mac: str
    network: str = ""
    bridge: str = ""
    mode: str = ""
    addresses: list[Address] = field(default_factory=list)


@dataclass
class Machine:
    """A domain. `hint` is Limen's metadata, empty for a domain that Limen did not make."""

    name: str
    uuid: str
    state: str
    uri: str
    hypervisor: str
    vcpus: int = 0
    memory: int = 0
    hint: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    cards: list[Card] = field(default_factory=list)

    @property
    def roles(self) -> list[str]:
        return [role.strip() for role in self.tags.get(ROLE_TAG, "").split(",") if role.strip()]

    def address(self, networks: t.Sequence[str] = (), sources: t.Sequence[str] = ()) -> str:
        """The address to reach it at, "" without one: of the first of `networks`, by the first of `sources`,
        IPv4 before IPv6, of the first card.
        """
        found = [
            (_place(card.network, networks), _place(each.source, sources), each.family, number, each.address)
            for number, card in enumerate(self.cards)
            for each in card.addresses
        ]
        return min(found)[-1] if found else ""

    def card_of(self, address: str) -> Card | None:
        return next((card for card in self.cards for each in card.addresses if each.address == address), None)


def to_plain(machine: Machine) -> dict[str, t.Any]:
    """What a cache can keep."""
    return asdict(machine)


def from_plain(plain: t.Mapping[str, t.Any]) -> Machine:
    """Raises KeyError or TypeError for what another version kept."""
    cards = [
        Card(**{**card, "addresses": [Address(**each) for each in card["addresses"]]})
        for card in plain["cards"]
    ]
    return Machine(**{**plain, "cards": cards})


def parse_domain(text: str, state: str, uri: str, hypervisor: str) -> Machine:
    """A domain's XML; libvirt prints no document type, so there are no entities to expand."""
    root = ET.fromstring(text)  # noqa: S314
    vcpu = root.find("vcpu")
    hint = root.find(f"metadata/{{{HINT_NAMESPACE}}}item")
    tags = root.iterfind(f"metadata/{{{TAGS_NAMESPACE}}}tags/{{{TAGS_NAMESPACE}}}tag")
    return Machine(
        name=root.findtext("name", ""),
        uuid=root.findtext("uuid", ""),
        state=state,
        uri=uri,
        hypervisor=hypervisor,
        vcpus=0 if vcpu is None else int(vcpu.get("current") or vcpu.text or 0),
        memory=1024 * int(root.findtext("currentMemory") or root.findtext("memory") or 0),
        hint={} if hint is None else {name: hint.get(name, "") for name in HINT_FIELDS},
        tags={tag.get("name", ""): tag.get("value", "") for tag in tags},
        cards=[_card(element) for element in root.iterfind("devices/interface")],
    )


def forward_mode(text: str) -> str:
    """How a network's XML says that it reaches the outside."""
    forward = ET.fromstring(text).find("forward")  # noqa: S314
    return "isolated" if forward is None else forward.get("mode", "nat")


def useful(address: str) -> bool:
    """Whether it is an address that others can reach: neither loopback nor link-local.

    The guest agent's word is the guest's: an IPv6 zone may be any text, and ssh puts it into a shell's line.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return "%" not in address and not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)


def _card(element: ET.Element) -> Card:
    mac, source = element.find("mac"), element.find("source")
    return Card(
        mac=("" if mac is None else mac.get("address", "")).lower(),
        network="" if source is None else source.get("network", ""),
        bridge="" if source is None else source.get("bridge", ""),
    )


def _place(value: str, order: t.Sequence[str]) -> int:
    return list(order).index(value) if value in order else len(order)
