"""A domain's XML to values, and XML that changes a domain. Pure: text in, values or text out."""

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from limen.hypervisor import xmltools
from limen.hypervisor.errors import Refused
from limen.hypervisor.model import Hint, InterfaceSeen, Size

KIB = 1024


@dataclasses.dataclass(frozen=True)
class DiskXml:
    """A disk element as written; `path` or (`pool`, `volume`) says where its data is."""

    target: str
    device: str
    path: str | None
    pool: str | None
    volume: str | None
    format: str | None
    readonly: bool


def size_of(root: ET.Element) -> Size:
    vcpu = root.find("vcpu")
    ceiling = int(vcpu.text or 1) if vcpu is not None else 1
    current = int(vcpu.get("current", ceiling)) if vcpu is not None else 1
    memory = xmltools.size(root.find("memory"), "KiB")
    held = xmltools.size(root.find("currentMemory"), "KiB") or memory
    if xmltools.attribute(root, "devices/memballoon", "model") == "none":
        held = memory  # nothing can take memory back
    return Size(vcpus=current, memory=min(held, memory), max_vcpus=ceiling, max_memory=memory)


def hint_of(root: ET.Element) -> Hint | None:
    """The hint of a domain or network."""
    item = root.find(f"metadata/{{{xmltools.HINT_NAMESPACE}}}item")
    return None if item is None else hint_of_item(item)


def hint_of_item(item: ET.Element) -> Hint:
    """The hint in the metadata element itself. Attributes that are missing are empty."""
    return Hint(**{name: item.get(name, "") for name in ("owner", "project", "claim", "key", "stack")})


def hint_xml(hint: Hint) -> str:
    """The metadata element without its namespace, as virDomainSetMetadata wants it."""
    fields = {name: value for name, value in dataclasses.asdict(hint).items() if value or name != "stack"}
    return xmltools.unparse(ET.Element("item", fields))


def tags_of(root: ET.Element) -> dict[str, str]:
    """The tags of a domain, by name; empty without any."""
    namespace = f"{{{xmltools.TAGS_NAMESPACE}}}"
    tags = root.iterfind(f"metadata/{namespace}tags/{namespace}tag")
    return {tag.get("name", ""): tag.get("value", "") for tag in tags}


def tags_xml(tags: Mapping[str, str]) -> str:
    """The metadata element without its namespace, which libvirt gives to all of it; sorted by name."""
    root = ET.Element("tags")
    for name in sorted(tags):
        ET.SubElement(root, "tag", name=name, value=tags[name])
    return xmltools.unparse(root)


def disks_of(root: ET.Element) -> tuple[DiskXml, ...]:
    return tuple(parse_disk(element) for element in root.iterfind("devices/disk"))


def interfaces_of(root: ET.Element) -> tuple[InterfaceSeen, ...]:
    return tuple(parse_interface(element) for element in root.iterfind("devices/interface"))


def find_disk(root: ET.Element, target: str) -> ET.Element | None:
    for element in root.iterfind("devices/disk"):
        if xmltools.attribute(element, "target", "dev") == target:
            return element
    return None


def find_interface(root: ET.Element, mac: str) -> ET.Element | None:
    for element in root.iterfind("devices/interface"):
        if (xmltools.attribute(element, "mac", "address") or "").lower() == mac.lower():
            return element
    return None


def with_size(text: str, wanted: Size) -> str:
    """The definition with other sizes. Raises `Refused` where a NUMA layout would no longer add up."""
    root = xmltools.parse(text)
    before = size_of(root)
    if root.find("cpu/numa") is not None and (before.max_vcpus, before.max_memory) != (
        wanted.max_vcpus,
        wanted.max_memory,
    ):
        raise Refused("The domain has a NUMA layout of its own: change its size by hand with `virsh edit`.")
    for tag, amount in (("memory", wanted.max_memory), ("currentMemory", wanted.memory)):
        element = xmltools.child(root, tag)
        element.text = str(amount // KIB)
        element.set("unit", "KiB")
    vcpu = xmltools.child(root, "vcpu")
    vcpu.text = str(wanted.max_vcpus)
    vcpu.set("current", str(wanted.vcpus))
    listed = root.find("vcpus")  # says which vCPUs are plugged in; libvirt derives it from `current`
    if listed is not None:
        root.remove(listed)
    cpu, topology = root.find("cpu"), root.find("cpu/topology")
    if cpu is not None and topology is not None and wanted.max_vcpus != before.max_vcpus:
        cpu.remove(topology)  # its product has to be the number of vCPUs
    return xmltools.unparse(root)


def with_name(text: str, name: str) -> str:
    root = xmltools.parse(text)
    xmltools.child(root, "name").text = name
    return xmltools.unparse(root)


def disk_xml(target: str, path: str, block: bool, format_: str, bus: str, readonly: bool) -> str:
    root = ET.Element("disk", type="block" if block else "file", device="disk")
    ET.SubElement(root, "driver", name="qemu", type=format_)
    ET.SubElement(root, "source", {"dev" if block else "file": path})
    ET.SubElement(root, "target", dev=target, bus=bus)
    if readonly:
        ET.SubElement(root, "readonly")
    return xmltools.unparse(root)


def interface_xml(mac: str, network: str | None, bridge: str | None, model: str) -> str:
    """Exactly one of `network` and `bridge`. Raises `Refused` otherwise."""
    root = ET.Element("interface")
    ET.SubElement(root, "mac", address=mac)
    connect_interface(root, network, bridge)
    ET.SubElement(root, "model", type=model)
    return xmltools.unparse(root)


def connect_interface(element: ET.Element, network: str | None, bridge: str | None) -> None:
    """Make the interface element one of that network or bridge, in place."""
    if (network is None) == (bridge is None):
        raise Refused("A network card is connected to a network or to a bridge: name exactly one of them.")
    # A running card shows its network's VLAN and virtual port as if they were its own.
    for tag in ("source", "vlan", "virtualport"):
        for each in element.findall(tag):
            element.remove(each)
    element.set("type", "network" if network else "bridge")
    ET.SubElement(element, "source", {"network": network} if network else {"bridge": str(bridge)})


def parse_disk(element: ET.Element) -> DiskXml:
    source = element.find("source")
    attributes = {} if source is None else source.attrib
    path = attributes.get("file") or attributes.get("dev")
    if element.get("type") == "network" and source is not None:
        path = f"{attributes.get('protocol')}:{attributes.get('name')}"
    return DiskXml(
        target=xmltools.attribute(element, "target", "dev") or "",
        device=element.get("device", "disk"),
        path=path,
        pool=attributes.get("pool"),
        volume=attributes.get("volume"),
        format=xmltools.attribute(element, "driver", "type"),
        readonly=element.find("readonly") is not None,
    )


def parse_interface(element: ET.Element) -> InterfaceSeen:
    return InterfaceSeen(
        mac=(xmltools.attribute(element, "mac", "address") or "").lower(),
        network=xmltools.attribute(element, "source", "network"),
        bridge=xmltools.attribute(element, "source", "bridge"),
        target=xmltools.attribute(element, "target", "dev"),
    )
