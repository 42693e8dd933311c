# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Carries out the steps of a plan.

Each looks before it acts, so one that was cut off is completed by repeating it.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.limen.platform.plugins.module_utils import vm_seed, vm_xml, volume_xml
from ansible_collections.limen.platform.plugins.module_utils.libvirt_host import Host, libvirt
from ansible_collections.limen.platform.plugins.module_utils.vm_devices import seed_name
from ansible_collections.limen.platform.plugins.module_utils.vm_model import KIB, Card, Disk, Hint, Seed, Size
from ansible_collections.limen.platform.plugins.module_utils.vm_steps import NotPossible, Plan, Step

POLL_SECONDS = 0.25
ASK_AGAIN_SECONDS = 10.0
DETACH_SECONDS = 30.0
START_SECONDS = 60.0


class Workshop:
    """Where one VM's plan is carried out."""

    def __init__(self, host: Host, plan: Plan, hint: Hint | None) -> None:
        self._host = host
        self._plan = plan
        self._metadata = hint
        self._seed_volume: t.Any = None

    def do(self, step: Step) -> None:
        """Carry out one step; raises NotPossible, HypervisorError."""
        self._host.run(lambda: getattr(self, f"_{step.action}")(**step.with_))

    def _domain(self) -> t.Any:
        return self._host.handle.lookupByUUIDString(self._plan.uuid)

    def _make_disk(self, disk: Disk) -> None:
        pool = self._host.handle.storagePoolLookupByName(disk.pool)
        volume = find_volume(pool, disk.volume)
        if volume is None:
            pool.createXML(self._volume_xml(disk))
        elif volume.info()[1] < disk.size:
            volume.resize(disk.size, 0)

    def _volume_xml(self, disk: Disk) -> str:
        if disk.image is None:
            return volume_xml.volume_xml(disk.volume, disk.size, disk.format, None)
        pool, _slash, name = disk.image.partition("/")
        image = self._host.handle.storagePoolLookupByName(pool).storageVolLookupByName(name)
        found = volume_xml.volume_of(image.XMLDesc(0))
        return volume_xml.volume_xml(
            disk.volume, disk.size, disk.format, vm_xml.Source(found.path, False, found.format)
        )

    def _make_seed(self, seed: Seed) -> None:
        name = seed_name(self._plan.wanted.name)
        pool = self._host.handle.storagePoolLookupByName(seed.pool)
        # The domain is not there yet: a medium that is may be the torso of a run that was killed.
        held = find_volume(pool, name)
        if held is not None:
            held.delete(0)
        content = vm_seed.iso(seed)
        self._seed_volume = pool.createXML(volume_xml.volume_xml(name, len(content), "raw", None))
        stream = self._host.handle.newStream(0)
        self._seed_volume.upload(stream, 0, len(content), 0)
        view = memoryview(content)
        while view:
            view = view[stream.send(bytes(view[: 256 * KIB])) :]
        stream.finish()

    def _define(
        self, size: Size, disks: t.Sequence[tuple[str, Disk]], cards: t.Sequence[tuple[str, Card]]
    ) -> None:
        wanted = self._plan.wanted
        sources = [(target, disk.bus, self._source(disk)) for target, disk in disks]
        seed = None if self._seed_volume is None else vm_xml.Source(self._seed_volume.path(), False, "raw")
        text = vm_xml.domain_xml(
            wanted,
            size,
            self._plan.uuid,
            self._metadata or Hint(),
            self._host.machine(wanted),
            sources,
            [(mac, card.network, card.bridge, card.model) for mac, card in cards],
            seed,
        )
        self._host.handle.defineXMLFlags(text, libvirt.VIR_DOMAIN_DEFINE_VALIDATE)

    def _source(self, disk: Disk) -> vm_xml.Source:
        volume = self._host.handle.storagePoolLookupByName(disk.pool).storageVolLookupByName(disk.volume)
        return vm_xml.Source(volume.path(), volume.info()[0] == libvirt.VIR_STORAGE_VOL_BLOCK, disk.format)

    def _attach_disk(self, disk: Disk, target: str) -> None:
        text = vm_xml.unparse(vm_xml.disk_xml(target, disk.bus, self._source(disk)))
        for flag, root in _definitions(self._domain()):
            if target not in vm_xml.targets_of(root):
                self._domain().attachDeviceFlags(text, flag)

    def _grow_disk(self, disk: Disk, target: str, live: bool) -> None:
        if live:
            self._domain().blockResize(target, disk.size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
            return
        volume = self._host.handle.storagePoolLookupByName(disk.pool).storageVolLookupByName(disk.volume)
        try:
            volume.resize(disk.size, 0)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:
                raise
            raise NotPossible(
                f"Libvirt can't grow volumes of the pool {disk.pool}. Grow {volume.path()} on the host, then "
                "run this again."
            ) from error

    def _attach_card(self, mac: str, card: Card) -> None:
        text = vm_xml.unparse(vm_xml.card_xml(mac, card.network, card.bridge, card.model))
        for flag, xml in _texts(self._domain()):
            if vm_xml.card_element(xml, mac) is None:
                self._domain().attachDeviceFlags(text, flag)

    def _move_card(self, mac: str, card: Card) -> None:
        for flag, xml in _texts(self._domain()):
            self._domain().updateDeviceFlags(vm_xml.moved_card(xml, mac, card.network, card.bridge), flag)

    def _detach_card(self, mac: str) -> None:
        domain = self._domain()
        for flag, xml in _texts(domain):
            text = vm_xml.card_element(xml, mac)
            if text is None:
                continue
            domain.detachDeviceFlags(text, flag)
            if flag == libvirt.VIR_DOMAIN_AFFECT_LIVE:
                self._wait_detached(domain, mac)

    def _wait_detached(self, domain: t.Any, mac: str) -> None:
        """Unplugging is a request to the guest: wait until the live definition shows that it answered."""
        deadline = time.monotonic() + DETACH_SECONDS
        while domain.isActive() and vm_xml.card_element(domain.XMLDesc(0), mac) is not None:
            if time.monotonic() > deadline:
                raise NotPossible(
                    f"The guest {domain.name()} has not let go of {mac} within {DETACH_SECONDS:g} s: "
                    "stop using it in there (one that boots or is paused can't answer), then run this again."
                )
            time.sleep(POLL_SECONDS)

    def _resize(self, size: Size, live: Size | None) -> None:
        domain = self._domain()
        if live is not None and size.vcpus != live.vcpus:
            domain.setVcpusFlags(size.vcpus, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        if live is not None and size.memory != live.memory:
            domain.setMemoryFlags(size.memory // KIB, libvirt.VIR_DOMAIN_AFFECT_LIVE)
        text = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
        self._host.handle.defineXML(vm_xml.with_size(text, size))

    def _hint(self, hint: Hint) -> None:
        text = vm_xml.unparse(vm_xml.hint_xml(hint))
        _set_metadata(self._domain(), text, "limen", vm_xml.HINT_NAMESPACE)

    def _tags(self, tags: t.Mapping[str, str]) -> None:
        text = vm_xml.unparse(vm_xml.tags_xml(tags)) if tags else None  # None takes the element away
        _set_metadata(self._domain(), text, "limen-tags", vm_xml.TAGS_NAMESPACE)

    def _autostart(self, on: bool) -> None:
        self._domain().setAutostart(on)

    def _start(self) -> None:
        domain = self._domain()
        if not domain.isActive():
            domain.create()

    def _start_paused(self) -> None:
        domain = self._domain()
        if not domain.isActive():
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)

    def _resume(self) -> None:
        self._domain().resume()

    def _suspend(self) -> None:
        self._domain().suspend()

    def _shut_down(self, seconds: float, force: bool) -> None:
        domain = self._domain()
        if not domain.isActive() or (seconds and _shut_down(domain, seconds)):
            return
        if not force:
            raise NotPossible(
                f"The guest {domain.name()} did not shut down within {seconds:g} s and runs on. Shut it down "
                "from inside, or set force to power it off, which loses what it has not written."
            )
        domain.destroy()

    def _undefine(self) -> None:
        flags = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        domain = self._domain()
        if domain.isPersistent():
            domain.undefineFlags(flags | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA)

    def _delete_seed(self, path: str) -> None:
        try:
            self._host.handle.storageVolLookupByPath(path).delete(0)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_VOL:
                raise

    def _delete_volume(self, identity: str) -> None:
        pool, _slash, name = identity.partition("/")
        held = find_volume(self._host.handle.storagePoolLookupByName(pool), name)
        if held is not None:
            held.delete(0)


def ask_to_shut_down(host: Host, uuid: str) -> None:
    """Ask without waiting: guests of one list shut down side by side."""
    try:
        host.handle.lookupByUUIDString(uuid).shutdown()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
            raise


def find_volume(pool: t.Any, name: str) -> t.Any:
    """The volume of that name, None where there is none."""
    try:
        return pool.storageVolLookupByName(name)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_VOL:
            raise
        return None


def _texts(domain: t.Any) -> list[tuple[int, str]]:
    """The definitions a change has to reach, each with its flag; the live one first, since it may fail."""
    found = []
    if domain.isActive():
        found.append((libvirt.VIR_DOMAIN_AFFECT_LIVE, domain.XMLDesc(0)))
    if domain.isPersistent():
        flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
        found.append((libvirt.VIR_DOMAIN_AFFECT_CONFIG, domain.XMLDesc(flags)))
    return found


def _definitions(domain: t.Any) -> list[tuple[int, t.Any]]:
    return [(flag, vm_xml.parse(text)) for flag, text in _texts(domain)]


def _set_metadata(domain: t.Any, text: str | None, prefix: str, namespace: str) -> None:
    flags = libvirt.VIR_DOMAIN_AFFECT_LIVE if domain.isActive() else 0
    flags |= libvirt.VIR_DOMAIN_AFFECT_CONFIG if domain.isPersistent() else 0
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, text, prefix, namespace, flags)


def _shut_down(domain: t.Any, seconds: float) -> bool:
    """Whether the guest stopped in time. One that boots misses the first request: it is asked again."""
    deadline = time.monotonic() + seconds
    ask_at = 0.0
    while time.monotonic() < deadline:
        try:
            if time.monotonic() >= ask_at:
                domain.shutdown()
                ask_at = time.monotonic() + ASK_AGAIN_SECONDS
            if not domain.isActive():
                return True
        except libvirt.libvirtError as error:
            # It went between two calls: a transient domain is then unknown, a persistent one not running.
            if error.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
                raise
            return True
        time.sleep(POLL_SECONDS)
    return False
