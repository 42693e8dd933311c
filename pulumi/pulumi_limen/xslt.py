"""Stylesheets for pulumi-libvirt's `xml.xslt`: what the plugin has no inputs for, carried into libvirt's XML.

The plugin hands its XML to Debian's `xsltproc`. A stylesheet is an input of the resource, so the same
arguments always give the same text. Every value travels as character data: nothing a user writes can become
markup or XPath.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Literal
from uuid import UUID

NAMESPACE = "urn:limen:domain:1"
"""Namespace of Limen's metadata; `limen.hypervisor.xmltools.HINT_NAMESPACE` is the same."""

TAGS_NAMESPACE = "urn:limen:tags:1"
"""Namespace of a domain's tags; `limen.hypervisor.xmltools.TAGS_NAMESPACE` is the same."""

HINT_FIELDS = ("owner", "project", "claim", "key")
KIB = 1024

Firmware = Literal["bios", "uefi", "uefi-secure"]

_XSL = "http://www.w3.org/1999/XSL/Transform"
ET.register_namespace("xsl", _XSL)
ET.register_namespace("limen", NAMESPACE)
ET.register_namespace("limen-tags", TAGS_NAMESPACE)


def domain_xslt(
    *,
    uuid: str,
    hint: Mapping[str, str],
    stack: str = "",
    tags: Mapping[str, str] | None = None,
    max_vcpus: int | None = None,
    max_memory: int | None = None,
    hotplug_ports: int = 0,
    firmware: Firmware = "bios",
    headless: bool = False,
    root_disk: str = "",
) -> str:
    """The stylesheet of a domain.

    `hint` has `owner`, `project`, `claim` and `key`; `stack` is the Pulumi stack, "" without one, and `tags`
    are names and values. `max_vcpus` and `max_memory` (bytes, whole KiB) are the
    ceilings of live growth; the plugin's own sizes become the current ones. `hotplug_ports` adds PCI Express
    root ports: a q35 machine takes no further disk or card without a free one. `uefi` and `uefi-secure` let
    libvirt choose the host's firmware files; secure boot needs a q35 machine. `headless` drops the graphics
    that the plugin adds to every domain. `root_disk` is the root volume's key: where that is a path, as in
    all pools of files, the disk is named by it instead of by its pool. Raises `ValueError`.
    """
    sheet, metadata = _stylesheet("domain", uuid, hint, {"stack": stack} if stack else {})
    if tags:
        _tags(metadata, tags)
    devices = _copying_template(sheet, "/domain/devices")
    # The plugin puts the cloud-init medium on IDE, which q35 does not have, and Debian's cloud kernel, its
    # official cloud images included, has no AHCI driver: of what both have, only virtio-scsi is a cdrom.
    bus = _template(sheet, "/domain[contains(os/type/@machine, 'q35')]/devices/disk/target/@bus[. = 'ide']")
    _attribute(bus, "bus", "scsi")
    if_q35 = ET.SubElement(devices, _xsl("if"), test="contains(../os/type/@machine, 'q35')")
    _literal(if_q35, "controller", {"type": "scsi", "index": "0", "model": "virtio-scsi"})
    if max_memory is not None:
        if max_memory < KIB or max_memory % KIB:
            raise ValueError(f"max_memory is in bytes, in whole KiB: {max_memory} is not.")
        template = _template(sheet, "/domain/memory")
        _literal(template, "memory", {"unit": "KiB"}, str(max_memory // KIB))
        current = ET.SubElement(template, "currentMemory")
        _copy_attributes(current)
        ET.SubElement(current, _xsl("value-of"), select=".")
        _template(sheet, "/domain/currentMemory")
    if max_vcpus is not None:
        if max_vcpus < 1:
            raise ValueError(f"max_vcpus is at least 1: {max_vcpus} is not.")
        vcpu = ET.SubElement(_template(sheet, "/domain/vcpu"), "vcpu")
        current = ET.SubElement(vcpu, _xsl("attribute"), name="current")
        ET.SubElement(current, _xsl("value-of"), select=".")
        ET.SubElement(vcpu, _xsl("text")).text = str(max_vcpus)
    for index in range(1, hotplug_ports + 1):  # 0 is the root complex
        _literal(devices, "controller", {"type": "pci", "index": str(index), "model": "pcie-root-port"})
    if headless:
        _template(sheet, "/domain/devices/graphics")
    if root_disk.startswith("/"):
        _by_path(sheet, root_disk)
    if firmware != "bios":
        _firmware(sheet, secure=firmware == "uefi-secure")
    return _text(sheet)


def network_xslt(*, uuid: str, hint: Mapping[str, str], vlan: int | None = None) -> str:
    """The stylesheet of a network. `vlan` tags its ports: the bridge has to be one of Open vSwitch, the only
    kind whose tags libvirt sets. Raises `ValueError`.
    """
    sheet, _metadata = _stylesheet("network", uuid, hint)
    if vlan is not None:
        bridge = ET.SubElement(_template(sheet, "/network/bridge"), _xsl("copy"))
        _copy_attributes(bridge)
        template = sheet[-1]
        _literal(template, "virtualport", {"type": "openvswitch"})
        _literal(ET.SubElement(template, "vlan"), "tag", {"id": str(vlan)})
    return _text(sheet)


def _stylesheet(
    root: str, uuid: str, hint: Mapping[str, str], more: Mapping[str, str] | None = None
) -> tuple[ET.Element, ET.Element]:
    """Copies everything, and gives the root element its UUID and the hint with what is `more` to it.

    Returns the sheet and its metadata element.
    """
    if set(hint) != set(HINT_FIELDS):
        raise ValueError(f"The hint has the fields {', '.join(HINT_FIELDS)}; not {', '.join(sorted(hint))}.")
    identity = str(UUID(uuid))
    sheet = ET.Element(_xsl("stylesheet"), {"version": "1.0", "exclude-result-prefixes": "limen"})
    ET.SubElement(sheet, _xsl("output"), {"omit-xml-declaration": "yes", "indent": "yes"})
    everything = ET.SubElement(_template(sheet, "node()|@*"), _xsl("copy"))
    ET.SubElement(everything, _xsl("apply-templates"), select="node()|@*")

    # The root's own UUID and metadata are dropped where they stand and written anew, so that it does not
    # matter whether the plugin wrote any. What others keep in metadata stays.
    _template(sheet, f"/{root}/uuid")
    _template(sheet, f"/{root}/metadata")
    top = ET.SubElement(_template(sheet, f"/{root}"), _xsl("copy"))
    _copy_attributes(top)
    _literal(top, "uuid", {}, identity)
    metadata = ET.SubElement(top, "metadata")
    ET.SubElement(
        metadata,
        _xsl("copy-of"),
        select=f"metadata/*[namespace-uri() != '{NAMESPACE}' and namespace-uri() != '{TAGS_NAMESPACE}']",
    )
    _literal(metadata, f"{{{NAMESPACE}}}item", {**{name: hint[name] for name in HINT_FIELDS}, **(more or {})})
    ET.SubElement(top, _xsl("apply-templates"), select="node()")
    return sheet, metadata


def _tags(metadata: ET.Element, tags: Mapping[str, str]) -> None:
    """As `limen.hypervisor.domain_xml.tags_xml` writes them, and always in the same order."""
    holder = ET.SubElement(metadata, f"{{{TAGS_NAMESPACE}}}tags")
    for name in sorted(tags):
        _literal(holder, f"{{{TAGS_NAMESPACE}}}tag", {"name": name, "value": tags[name]})


def _by_path(sheet: ET.Element, path: str) -> None:
    """Under AppArmor libvirt 9.0 gives a guest the files that its disks name by path, and no volume that is
    named by its pool (libvirt's issue 546).
    """
    type_, attribute = ("block", "dev") if path.startswith("/dev/") else ("file", "file")
    _attribute(_template(sheet, "/domain/devices/disk/@type[. = 'volume']"), "type", type_)
    _literal(_template(sheet, "/domain/devices/disk[@type='volume']/source"), "source", {attribute: path})


def _firmware(sheet: ET.Element, secure: bool) -> None:
    """Firmware chosen by libvirt from the host's descriptors, instead of a path that each host has
    elsewhere.
    """
    system = _copying_template(sheet, "/domain/os", {"firmware": "efi"})
    if not secure:
        return
    _literal(system, "loader", {"secure": "yes"})
    chosen = ET.SubElement(system, "firmware")
    _literal(chosen, "feature", {"enabled": "yes", "name": "secure-boot"})
    _literal(chosen, "feature", {"enabled": "yes", "name": "enrolled-keys"})
    # Without system management mode a guest's kernel could rewrite the keys.
    _literal(_copying_template(sheet, "/domain/features"), "smm", {"state": "on"})


def _template(sheet: ET.Element, match: str) -> ET.Element:
    return ET.SubElement(sheet, _xsl("template"), match=match)


def _copying_template(
    sheet: ET.Element, match: str, attributes: Mapping[str, str] | None = None
) -> ET.Element:
    """A copy of what is there; what is added to the returned element follows the copied children."""
    copy = ET.SubElement(_template(sheet, match), _xsl("copy"))
    _copy_attributes(copy)
    for name, value in (attributes or {}).items():
        _attribute(copy, name, value)
    ET.SubElement(copy, _xsl("apply-templates"), select="node()")
    return copy


def _literal(parent: ET.Element, tag: str, attributes: Mapping[str, str], text: str | None = None) -> None:
    element = ET.SubElement(parent, tag)
    for name, value in attributes.items():
        _attribute(element, name, value)
    if text is not None:
        ET.SubElement(element, _xsl("text")).text = text


def _attribute(parent: ET.Element, name: str, value: str) -> None:
    # Not an attribute of the literal element: braces in its value would be evaluated as XPath.
    holder = ET.SubElement(parent, _xsl("attribute"), name=name)
    ET.SubElement(holder, _xsl("text")).text = value


def _copy_attributes(parent: ET.Element) -> None:
    ET.SubElement(parent, _xsl("apply-templates"), select="@*")


def _xsl(name: str) -> str:
    return f"{{{_XSL}}}{name}"


def _text(sheet: ET.Element) -> str:
    ET.indent(sheet)
    return ET.tostring(sheet, encoding="unicode")
