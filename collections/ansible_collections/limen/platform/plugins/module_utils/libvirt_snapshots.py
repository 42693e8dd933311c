# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Snapshots of one domain, through libvirt. They are internal ones: kept in the disks' own qcow2 files."""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils import snapshot_xml, vm_xml
from ansible_collections.limen.platform.plugins.module_utils.libvirt_host import Host, libvirt
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Seen
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible


class Snapshots:
    """The snapshots of the domain `uuid`."""

    def __init__(self, host: Host, uuid: str) -> None:
        self._host = host
        self._uuid = uuid

    def list(self) -> dict[str, snapshot_xml.Snapshot]:
        """All of them, by name."""

        def work() -> dict[str, snapshot_xml.Snapshot]:
            found = (
                snapshot_xml.snapshot_of(snapshot.getXMLDesc(0), bool(snapshot.isCurrent()))
                for snapshot in self._domain().listAllSnapshots(0)
            )
            return {snapshot.name: snapshot for snapshot in found}

        return self._host.run(work)

    def require_possible(self) -> None:
        """Refuse disks that can't hold a snapshot, before anything is admitted; raises NotPossible."""
        text = self._host.run(lambda: self._domain().XMLDesc(0))
        unfit = snapshot_xml.without_snapshots(text)
        if unfit:
            raise NotPossible(
                f"These disks can't hold snapshots, since they are not qcow2: {', '.join(unfit)}. "
                "Only a VM whose writable disks are all qcow2 can have one."
            )

    def capacities(self, seen: Seen) -> dict[str, int]:
        """Bytes by disk target."""
        return {disk.target: disk.capacity or 0 for disk in seen.disks}

    def disk(self, seen: Seen) -> int:
        """The most that a snapshot made now can come to hold, in bytes: copies of the disks, saved memory."""
        text = self._host.run(lambda: self._domain().XMLDesc(0))
        capacities = self.capacities(seen)
        held = sum(capacities.get(target, 0) for target in snapshot_xml.writable_targets(text))
        return held + (vm_xml.size_of(vm_xml.parse(text)).memory if seen.active else 0)

    def make(self, name: str, description: str) -> None:
        """Take the snapshot; of a guest that runs with its memory."""
        text = snapshot_xml.snapshot_xml(name, description)
        self._host.run(
            lambda: self._domain().snapshotCreateXML(text, libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE)
        )

    def delete(self, name: str) -> None:
        """Delete it; its children keep what they hold."""
        self._host.run(lambda: self._find(name).delete(0))

    def revert(self, name: str) -> None:
        """Bring the domain back to it: what it has written since is lost."""

        def work() -> None:
            # A guest whose configuration differs is started anew, which libvirt wants to be told.
            self._domain().revertToSnapshot(self._find(name), libvirt.VIR_DOMAIN_SNAPSHOT_REVERT_FORCE)

        self._host.run(work)

    def _domain(self) -> t.Any:
        return self._host.handle.lookupByUUIDString(self._uuid)

    def _find(self, name: str) -> t.Any:
        return self._domain().snapshotLookupByName(name, 0)
