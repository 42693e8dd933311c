# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A volume's XML to values, and values to XML. Pure: text in, values or text out."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

from ansible_collections.limen.platform.plugins.module_utils.vm_xml import (
    Source,
    amount_of,
    attribute,
    parse,
    unparse,
)


@dataclass(frozen=True)
class Volume:
    """A volume as libvirt probes it."""

    path: str
    capacity: int
    format: str


def volume_of(text: str) -> Volume:
    root = parse(text)
    return Volume(
        path=root.findtext("target/path", ""),
        capacity=amount_of(root.find("capacity"), "bytes"),
        format=attribute(root, "target/format", "type") or "raw",
    )


def volume_xml(name: str, capacity: int, format_: str, image: Source | None) -> str:
    """A new volume; `image` is what it is a layer over."""
    root = ET.Element("volume")
    ET.SubElement(root, "name").text = name
    ET.SubElement(root, "capacity", unit="bytes").text = str(capacity)
    target = ET.SubElement(root, "target")
    ET.SubElement(target, "format", type=format_)
    if image is not None:
        backing = ET.SubElement(root, "backingStore")
        ET.SubElement(backing, "path").text = image.path
        ET.SubElement(backing, "format", type=image.format)
    return unparse(root)
