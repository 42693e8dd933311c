"""What a host can run and how much it has."""

import contextlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, cast

import libvirt

from limen.hypervisor import storage, xmltools
from limen.hypervisor.connection import Connection, host_uuid
from limen.hypervisor.errors import HypervisorError
from limen.hypervisor.model import Capacity, HostCapabilities

DomainTypeChoice = Literal["auto", "kvm", "qemu"]
CpuMode = Literal["host-passthrough", "host-model", "maximum"]

DOMAIN_TYPE_VARIABLE = "LIMEN_DOMAIN_TYPE"
CAPABILITY_SECONDS = 60.0  # libvirt's first look at a QEMU binary takes up to 8 s each

_CPU_MODES: dict[str, tuple[CpuMode, ...]] = {
    "kvm": ("host-passthrough", "host-model", "maximum"),
    "qemu": ("maximum", "host-model"),
}
_SAME_FREE_SPACE = 256 * 2**20  # what may be written between two looks at one filesystem


def capabilities(conn: Connection, domain_type: DomainTypeChoice | None = None) -> HostCapabilities:
    """How a domain on this host should be written.

    `domain_type` None reads LIMEN_DOMAIN_TYPE, else `auto`: kvm where libvirt offers it. Libvirt offers it
    where /dev/kvm can be opened, which some nested machines allow although guests then hang: name `qemu`
    there. Raises `HypervisorError` for a type that the host does not have.
    """
    choice = chosen_type(domain_type, os.environ.get(DOMAIN_TYPE_VARIABLE))

    def work(handle: Any) -> HostCapabilities:
        host = xmltools.parse(handle.getCapabilities())
        arch = host.findtext("host/cpu/arch", "x86_64")
        kind = pick_type(choice, offered_types(host, arch), conn.uri)
        machine = preferred_machine(host, arch)
        text = handle.getDomainCapabilities(None, arch, machine, kind, 0)
        found = parse_capabilities(xmltools.parse(text), host_uuid(conn))
        return replace(found, machine=machine or found.machine)

    return conn.run(work, CAPABILITY_SECONDS)


def capacity(conn: Connection) -> Capacity:
    """All of the host, before reserve and overcommit; `disk` of the active pools that are the host's own.

    Two pools on one filesystem or volume group count once. Pools on network storage are not counted: several
    hosts share their space.
    """

    def work(handle: Any) -> Capacity:
        _model, memory_mib, cpus, *_rest = handle.getInfo()
        stats = handle.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
        memory = int(stats["total"]) * 1024 if "total" in stats else int(memory_mib) * 2**20
        pools = handle.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)
        fresh = not conn.readonly
        for pool in pools if fresh else ():
            with contextlib.suppress(
                libvirt.libvirtError
            ):  # busy with an upload, say: its figures are recent
                pool.refresh(0)
        disk = disk_capacity([pool.XMLDesc(0) for pool in pools], fresh)
        return Capacity(vcpus=int(cpus), memory=memory, disk=disk)

    return conn.run(work)


def chosen_type(argument: str | None, environment: str | None) -> DomainTypeChoice:
    choice = argument or environment or "auto"
    if choice not in ("auto", "kvm", "qemu"):
        raise HypervisorError(f"The domain type {choice!r} is none of auto, kvm, qemu.")
    return cast(DomainTypeChoice, choice)


def offered_types(host: ET.Element, arch: str) -> set[str]:
    return {
        domain.get("type", "")
        for guest in host.iterfind("guest/arch")
        if guest.get("name") == arch
        for domain in guest.iterfind("domain")
    }


def pick_type(choice: DomainTypeChoice, offered: set[str], uri: str) -> Literal["kvm", "qemu"]:
    if choice == "auto":
        choice = "kvm" if "kvm" in offered else "qemu"
    if choice not in offered:
        raise HypervisorError(
            f"{uri} runs no domains of type {choice}; it offers {', '.join(sorted(offered))}."
        )
    return choice


def preferred_machine(host: ET.Element, arch: str) -> str | None:
    """`q35` where there is one: PCI Express, and the only x86 machine with secure boot."""
    machines = {
        machine.text
        for guest in host.iterfind("guest/arch")
        if guest.get("name") == arch
        for machine in guest.iterfind("machine")
    }
    return "q35" if "q35" in machines else None


def parse_capabilities(root: ET.Element, host: str) -> HostCapabilities:
    """Domain capabilities (of one domain type and machine) as values."""
    kind = root.findtext("domain", "qemu")
    modes = {mode.get("name") for mode in root.iterfind("cpu/mode") if mode.get("supported") == "yes"}
    cpu = next((mode for mode in _CPU_MODES[kind] if mode in modes), None)
    if cpu is None:
        raise HypervisorError(f"The host supports none of the CPU modes {', '.join(_CPU_MODES[kind])}.")
    vcpu = root.find("vcpu")
    uefi = "efi" in _values(root, "os/enum[@name='firmware']/value")
    secure = "yes" in _values(root, "os/loader/enum[@name='secure']/value")
    tpm = root.find("devices/tpm")
    backends = _values(root, "devices/tpm/enum[@name='backendModel']/value")
    return HostCapabilities(
        host_uuid=host,
        arch=root.findtext("arch", "x86_64"),
        emulator=root.findtext("path", ""),
        domain_type="kvm" if kind == "kvm" else "qemu",
        cpu_mode=cpu,
        machine=root.findtext("machine", ""),
        max_vcpus=int(vcpu.get("max", "1")) if vcpu is not None else 1,
        uefi=uefi,
        secure_boot=uefi and secure,
        tpm=tpm is not None and tpm.get("supported") == "yes" and "emulator" in backends,
        firmware_files=tuple(_values(root, "os/loader/value")),
    )


def disk_capacity(pools: Iterable[str], fresh: bool) -> int:
    """Bytes of the filesystems and volume groups below these pools' XML, each counted once.

    A dir or fs pool reports its whole filesystem without naming it. Two pools of the same capacity and (if
    the figures are `fresh`) the same free space are taken to be one: twins that are two disks count once,
    which errs on the safe side.
    """
    counted: list[tuple[str, str, int, int]] = []
    for text in pools:
        root = xmltools.parse(text)
        kind = root.get("type", "")
        if kind in storage.NETWORK_POOLS:
            continue
        size = xmltools.size(root.find("capacity"), "bytes")
        free = xmltools.size(root.find("available"), "bytes")
        if kind in ("dir", "fs"):
            same = any(
                (seen_kind, seen_size) == ("filesystem", size)
                and (not fresh or abs(free - seen_free) <= _SAME_FREE_SPACE)
                for seen_kind, _name, seen_size, seen_free in counted
            )
            entry = ("filesystem", "", size, free)
        else:
            own = root.findtext("name", "")
            entry = (kind, root.findtext("source/name", own) if kind == "logical" else own, size, free)
            same = any(entry[:2] == seen[:2] for seen in counted)
        if not same:
            counted.append(entry)
    return sum(size for _kind, _name, size, _free in counted)


def _values(root: ET.Element, path: str) -> list[str]:
    return [element.text for element in root.iterfind(path) if element.text]
