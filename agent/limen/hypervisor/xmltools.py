"""Reading and writing libvirt's XML; the one place that parses it."""

import xml.etree.ElementTree as ET

HINT_NAMESPACE = "urn:limen:domain:1"
TAGS_NAMESPACE = "urn:limen:tags:1"
"""Apart from the hint: libvirt keeps one metadata element a namespace, and each has its own writer."""

# Known prefixes survive a round trip; any other is renamed (ns0), which libvirt understands as well.
ET.register_namespace("limen", HINT_NAMESPACE)
ET.register_namespace("limen-tags", TAGS_NAMESPACE)
ET.register_namespace("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")
ET.register_namespace("libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0")

_UNITS = {
    "b": 1,
    "bytes": 1,
    "KB": 10**3,
    "k": 2**10,
    "KiB": 2**10,
    "MB": 10**6,
    "M": 2**20,
    "MiB": 2**20,
    "GB": 10**9,
    "G": 2**30,
    "GiB": 2**30,
    "TB": 10**12,
    "T": 2**40,
    "TiB": 2**40,
}


def parse(text: str) -> ET.Element:
    """Parse what libvirt printed. It prints no document type, so there are no entities to expand."""
    return ET.fromstring(text)  # noqa: S314


def unparse(root: ET.Element) -> str:
    return ET.tostring(root, encoding="unicode")


def size(element: ET.Element | None, default_unit: str) -> int:
    """The bytes of `<memory unit='KiB'>1</memory>`; 0 for None."""
    if element is None or element.text is None:
        return 0
    return int(element.text) * _UNITS[element.get("unit", default_unit)]


def child(parent: ET.Element, tag: str) -> ET.Element:
    """The first child named `tag`, made if there is none."""
    found = parent.find(tag)
    return ET.SubElement(parent, tag) if found is None else found


def attribute(root: ET.Element, path: str, name: str) -> str | None:
    found = root.find(path)
    return None if found is None else found.get(name)
