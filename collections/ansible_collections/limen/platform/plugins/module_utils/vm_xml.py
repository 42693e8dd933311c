# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A domain's XML to values, and values to XML. Pure: text in, values or text out."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.vm_model import (
    BUSES,
    KIB,
    CardSeen,
    DiskSeen,
    Hint,
    Seen,
    Size,
    Wanted,
)

HINT_NAMESPACE = "urn:limen:domain:1"
TAGS_NAMESPACE = "urn:limen:tags:1"
HOTPLUG_PORTS = 16
"""PCI Express ports of a q35 machine: it takes no further disk or card without a free one."""

# Known prefixes survive a round trip; any other is renamed (ns0), which libvirt understands as well.
ET.register_namespace("limen", HINT_NAMESPACE)
ET.register_namespace("limen-tags", TAGS_NAMESPACE)
ET.register_namespace("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")

_UNITS = {"b": 1, "bytes": 1, "KB": 10**3, "k": 2**10, "KiB": 2**10, "MB": 10**6, "M": 2**20, "MiB": 2**20}
_UNITS.update({"GB": 10**9, "G": 2**30, "GiB": 2**30, "TB": 10**12, "T": 2**40, "TiB": 2**40})


@dataclass(frozen=True)
class Machine:
    """How a new domain on this host is written."""

    domain_type: str
    arch: str
    machine: str
    cpu_mode: str

    @property
    def q35(self) -> bool:
        return "q35" in self.machine


@dataclass(frozen=True)
class Source:
    """Where a disk's data is: a file or block device of the host, and what it is written in."""

    path: str
    block: bool
    format: str


def parse(text: str) -> ET.Element:
    """Parse what libvirt printed: it prints no document type, so there are no entities to expand."""
    return ET.fromstring(text)  # noqa: S314


def unparse(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode")


def read(
    defined: str | None,
    live: str | None,
    state: str,
    autostart: bool,
    capacities: t.Mapping[str, int],
) -> Seen:
    """A domain by its definitions; `capacities` holds bytes by disk target."""
    roots = {kind: parse(text) for kind, text in (("defined", defined), ("live", live)) if text}
    first = roots.get("defined", roots.get("live"))
    if first is None:
        raise ValueError("a domain has at least one definition")
    live_root = roots.get("live")
    return Seen(
        uuid=first.findtext("uuid", ""),
        name=first.findtext("name", ""),
        state=state,
        autostart=autostart,
        defined=size_of(roots["defined"]) if defined else None,
        live=size_of(roots["live"]) if live else None,
        disks=tuple(_disk(element, capacities) for element in first.iterfind("devices/disk")),
        cards=cards_of(first),
        live_cards=() if live_root is None else cards_of(live_root),
        live_targets=frozenset(
            ()
            if live_root is None
            else (attribute(disk, "target", "dev") for disk in live_root.iterfind("devices/disk"))
        ),
        hint=hint_of(first),
        tags=tags_of(first),
    )


def is_live(text: str) -> bool:
    """Whether this is a domain as it runs: libvirt numbers those."""
    return " id=" in text[: text.index(">")]


def size_of(root: ET.Element) -> Size:
    vcpu = root.find("vcpu")
    ceiling = int(vcpu.text or 1) if vcpu is not None else 1
    current = int(vcpu.get("current", ceiling)) if vcpu is not None else 1
    memory = amount_of(root.find("memory"))
    held = amount_of(root.find("currentMemory")) or memory
    if attribute(root, "devices/memballoon", "model") == "none":
        held = memory  # nothing can take memory back
    return Size(current, min(held, memory), ceiling, memory)


def hint_of(root: ET.Element) -> Hint | None:
    item = root.find(f"metadata/{{{HINT_NAMESPACE}}}item")
    if item is None:
        return None
    return Hint(*(item.get(name, "") for name in ("owner", "project", "claim", "key", "stack")))


def tags_of(root: ET.Element) -> dict[str, str]:
    namespace = f"{{{TAGS_NAMESPACE}}}"
    found = root.iterfind(f"metadata/{namespace}tags/{namespace}tag")
    return {tag.get("name", ""): tag.get("value", "") for tag in found}


def cards_of(root: ET.Element) -> tuple[CardSeen, ...]:
    return tuple(
        CardSeen(
            mac=attribute(card, "mac", "address").lower(),
            network=attribute(card, "source", "network") or None,
            bridge=attribute(card, "source", "bridge") or None,
            model=attribute(card, "model", "type") or None,
        )
        for card in root.iterfind("devices/interface")
    )


def hint_xml(hint: Hint, namespaced: bool = False) -> ET.Element:
    """The metadata element; without its namespace as virDomainSetMetadata wants it."""
    fields = {"owner": hint.owner, "project": hint.project, "claim": hint.claim, "key": hint.key}
    if hint.stack:
        fields["stack"] = hint.stack
    return ET.Element(f"{{{HINT_NAMESPACE}}}item" if namespaced else "item", fields)


def tags_xml(tags: t.Mapping[str, str], namespaced: bool = False) -> ET.Element:
    """As `hint_xml`; sorted by name."""
    prefix = f"{{{TAGS_NAMESPACE}}}" if namespaced else ""
    root = ET.Element(f"{prefix}tags")
    for name in sorted(tags):
        ET.SubElement(root, f"{prefix}tag", name=name, value=tags[name])
    return root


def with_size(text: str, size: Size) -> str:
    """The definition with other sizes; raises InvalidInput where a NUMA layout would no longer add up."""
    root = parse(text)
    before = size_of(root)
    moved = (before.max_vcpus, before.max_memory) != (size.max_vcpus, size.max_memory)
    if moved and root.find("cpu/numa") is not None:
        raise InvalidInput(
            f"The domain {root.findtext('name')} has a NUMA layout of its own: change its size by hand."
        )
    _write_size(root, size)
    cpu, topology = root.find("cpu"), root.find("cpu/topology")
    if cpu is not None and topology is not None and size.max_vcpus != before.max_vcpus:
        cpu.remove(topology)  # its product has to be the number of vCPUs
    return unparse(root)


def disk_xml(target: str, bus: str, source: Source) -> ET.Element:
    root = ET.Element("disk", type="block" if source.block else "file", device="disk")
    ET.SubElement(root, "driver", name="qemu", type=source.format)
    ET.SubElement(root, "source", {"dev" if source.block else "file": source.path})
    ET.SubElement(root, "target", dev=target, bus=bus)
    return root


def card_xml(mac: str, network: str | None, bridge: str | None, model: str) -> ET.Element:
    root = ET.Element("interface", type="network" if network else "bridge")
    ET.SubElement(root, "mac", address=mac)
    ET.SubElement(root, "source", {"network": network} if network else {"bridge": str(bridge)})
    ET.SubElement(root, "model", type=model)
    return root


def moved_card(text: str, mac: str, network: str | None, bridge: str | None) -> str:
    """The card of a domain's XML, on another network; raises InvalidInput where there is none."""
    for card in parse(text).iterfind("devices/interface"):
        if attribute(card, "mac", "address").lower() == mac:
            source = card.find("source")
            if source is not None:
                card.remove(source)
            card.set("type", "network" if network else "bridge")
            ET.SubElement(card, "source", {"network": network} if network else {"bridge": str(bridge)})
            return unparse(card)
    raise InvalidInput(f"The domain has no network card {mac}.")


def card_element(text: str, mac: str) -> str | None:
    """The card of a domain's XML as it stands there."""
    for card in parse(text).iterfind("devices/interface"):
        if attribute(card, "mac", "address").lower() == mac:
            return unparse(card)
    return None


def amount_of(element: ET.Element | None, unit: str = "KiB") -> int:
    """An amount in bytes; `unit` is what one without a unit of its own is in. 0 where there is none."""
    if element is None or element.text is None:
        return 0
    return int(element.text) * _UNITS[element.get("unit", unit)]


def attribute(root: ET.Element, path: str, name: str) -> str:
    """An attribute of the element at this path; empty where either is missing."""
    found = root.find(path)
    return "" if found is None else found.get(name, "")


def targets_of(root: ET.Element) -> list[str]:
    """The names of a domain's disks."""
    return [attribute(disk, "target", "dev") for disk in root.iterfind("devices/disk")]


def check_template(text: str) -> None:
    """Refuse a template that is no domain; raises InvalidInput."""
    try:
        root = ET.fromstring(text)  # noqa: S314  the operator's own, who is root on the host anyway
    except ET.ParseError as error:
        raise InvalidInput(f"xml can't be parsed: {error}.") from None
    if root.tag != "domain":
        raise InvalidInput(f"xml must be a <domain>, not a <{root.tag:.40}>.")


def template_targets(text: str | None) -> list[str]:
    """The names of the disks that a template brings."""
    return [] if text is None else targets_of(parse(text))


def domain_xml(
    wanted: Wanted,
    size: Size,
    uuid: str,
    hint: Hint,
    machine: Machine,
    disks: t.Sequence[tuple[str, str, Source]],
    cards: t.Sequence[tuple[str, str | None, str | None, str]],
    seed: Source | None,
) -> str:
    """A new domain: the template, or an empty machine, with everything that is declared written into it.

    `disks` are (target, bus, source), `cards` (mac, network, bridge, model).
    """
    root = _machine(wanted, machine) if wanted.template is None else parse(wanted.template)
    for tag, value in (("name", wanted.name), ("uuid", uuid)):
        _child(root, tag).text = value
    _write_size(root, size)
    metadata = _child(root, "metadata")
    for element in (hint_xml(hint, namespaced=True), tags_xml(wanted.tags or {}, namespaced=True)):
        old = metadata.find(element.tag)
        if old is not None:
            metadata.remove(old)
        if len(element) or element.attrib:
            metadata.append(element)
    devices = _child(root, "devices")
    for target, bus, source in disks:
        devices.append(disk_xml(target, bus, source))
    if seed is not None:
        devices.append(_seed_xml(seed, machine))
    for mac, network, bridge, model in cards:
        devices.append(card_xml(mac, network, bridge, model))
    return unparse(root)


def _machine(wanted: Wanted, machine: Machine) -> ET.Element:
    root = ET.Element("domain", type=machine.domain_type)
    system = ET.SubElement(root, "os", {"firmware": "efi"} if wanted.firmware == "uefi" else {})
    ET.SubElement(system, "type", arch=machine.arch, machine=machine.machine).text = "hvm"
    ET.SubElement(system, "boot", dev="hd")
    features = ET.SubElement(root, "features")
    for name in ("acpi", "apic"):
        ET.SubElement(features, name)
    ET.SubElement(root, "cpu", mode=machine.cpu_mode)
    ET.SubElement(root, "clock", offset="utc")
    devices = ET.SubElement(root, "devices")
    if machine.q35:
        for index in range(1, HOTPLUG_PORTS + 1):  # 0 is the root complex
            ET.SubElement(devices, "controller", type="pci", index=str(index), model="pcie-root-port")
    if machine.q35 or any(disk.bus == "scsi" for disk in wanted.disks):
        ET.SubElement(devices, "controller", type="scsi", index="0", model="virtio-scsi")
    console = ET.SubElement(devices, "console", type="pty")
    ET.SubElement(console, "target", type="serial", port="0")
    channel = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    rng = ET.SubElement(devices, "rng", model="virtio")
    ET.SubElement(rng, "backend", model="random").text = "/dev/urandom"
    ET.SubElement(devices, "memballoon", model="virtio")
    return root


def _seed_xml(source: Source, machine: Machine) -> ET.Element:
    root = ET.Element("disk", type="file", device="cdrom")
    ET.SubElement(root, "driver", name="qemu", type="raw")
    ET.SubElement(root, "source", file=source.path)
    # q35 has no IDE, and Debian's cloud kernel no AHCI driver: of what both have, virtio-scsi takes CDs.
    bus = "scsi" if machine.q35 else "ide"
    ET.SubElement(root, "target", dev=f"{BUSES[bus]}z" if bus == "scsi" else "hdd", bus=bus)
    ET.SubElement(root, "readonly")
    return root


def _write_size(root: ET.Element, size: Size) -> None:
    for tag, amount in (("memory", size.max_memory), ("currentMemory", size.memory)):
        element = _child(root, tag)
        element.text = str(amount // KIB)
        element.set("unit", "KiB")
    vcpu = _child(root, "vcpu")
    vcpu.text = str(size.max_vcpus)
    vcpu.set("current", str(size.vcpus))
    listed = root.find("vcpus")  # says which vCPUs are plugged in; libvirt derives it from `current`
    if listed is not None:
        root.remove(listed)


def _disk(element: ET.Element, capacities: t.Mapping[str, int]) -> DiskSeen:
    source = element.find("source")
    attributes = {} if source is None else source.attrib
    where = attributes.get("volume") or attributes.get("file") or attributes.get("dev") or ""
    target = attribute(element, "target", "dev")
    return DiskSeen(
        path=attributes.get("file") or attributes.get("dev"),
        target=target,
        volume=where.rpartition("/")[2],
        device=element.get("device", "disk"),
        bus=attribute(element, "target", "bus"),
        capacity=capacities.get(target),
    )


def _child(parent: ET.Element, tag: str) -> ET.Element:
    found = parent.find(tag)
    return ET.SubElement(parent, tag) if found is None else found
