# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A snapshot's XML to values, values to XML, and what of a domain snapshots copy. Pure."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET
from dataclasses import astuple, dataclass

from ansible_collections.limen.platform.plugins.module_utils.vm_model import Size
from ansible_collections.limen.platform.plugins.module_utils.vm_xml import attribute, parse, size_of, unparse


@dataclass(frozen=True)
class Snapshot:
    """A snapshot. `copied` are the targets of disks that it copies, `size` is what its domain had."""

    name: str
    description: str
    state: str
    created: int
    parent: str | None
    current: bool
    copied: tuple[str, ...]
    saves_memory: bool
    size: Size

    def disk(self, capacities: t.Mapping[str, int]) -> int:
        """The most that it can hold besides its domain's volumes, in bytes."""
        held = sum(capacities.get(target, 0) for target in self.copied)
        return held + (self.size.memory if self.saves_memory else 0)


def snapshot_of(text: str, current: bool) -> Snapshot:
    root = parse(text)
    sizes = [
        size_of(found) for found in (root.find("domain"), root.find("inactiveDomain")) if found is not None
    ]
    state = root.findtext("state", "")
    return Snapshot(
        name=root.findtext("name", ""),
        description=root.findtext("description", ""),
        state={"shutoff": "stopped"}.get(state, state),
        created=int(root.findtext("creationTime", "0")),
        parent=root.findtext("parent/name"),
        current=current,
        copied=tuple(
            disk.get("name", "") for disk in root.iterfind("disks/disk") if disk.get("snapshot") == "internal"
        ),
        saves_memory=attribute(root, "memory", "snapshot") in ("internal", "external"),
        size=Size(*(max(amounts) for amounts in zip(*(astuple(size) for size in sizes), strict=True))),
    )


def snapshot_xml(name: str, description: str) -> str:
    root = ET.Element("domainsnapshot")
    ET.SubElement(root, "name").text = name
    ET.SubElement(root, "description").text = description
    return unparse(root)


def writable_targets(text: str) -> list[str]:
    """The disks of a domain that its guest can write to."""
    return [attribute(disk, "target", "dev") for disk in _writable(text)]


def without_snapshots(text: str) -> list[str]:
    """The writable disks of a domain whose format can't hold snapshots."""
    return [
        attribute(disk, "target", "dev")
        for disk in _writable(text)
        if attribute(disk, "driver", "type") != "qcow2"
    ]


def _writable(text: str) -> list[ET.Element]:
    disks = parse(text).iterfind("devices/disk")
    return [disk for disk in disks if disk.get("device", "disk") == "disk" and disk.find("readonly") is None]
