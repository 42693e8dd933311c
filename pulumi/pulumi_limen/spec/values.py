"""What a stack asks for, once it is known to be right. Memory and disk sizes are bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Literal

NetworkMode = Literal["nat", "routed", "isolated", "bridge", "existing"]
PoolType = Literal["dir", "lvm", "nfs", "existing"]
Firmware = Literal["bios", "uefi", "uefi-secure"]
DomainType = Literal["auto", "kvm", "qemu"]


@dataclass(frozen=True)
class PortForward:
    """A port of the host that leads to `port` of the guest at `address`."""

    protocol: Literal["tcp", "udp"]
    host_port: int
    address: IPv4Address
    port: int


@dataclass(frozen=True)
class NetworkSpec:
    """A network. `libvirt_name` is set for an existing one, which is neither made nor charged."""

    name: str
    key: str
    mode: NetworkMode
    cidr: IPv4Network | None = None
    bridge: str | None = None
    vlan: int | None = None
    libvirt_name: str | None = None
    dhcp: bool = True
    domain: str | None = None
    dns: bool = True
    hosts: Mapping[str, IPv4Address] = field(default_factory=dict)
    port_forwards: tuple[PortForward, ...] = ()
    autostart: bool = True

    @property
    def gateway(self) -> IPv4Address | None:
        """The host's own address in the network: its first one."""
        return None if self.cidr is None else self.cidr.network_address + 1


@dataclass(frozen=True)
class PoolSpec:
    """A storage pool. `libvirt_name` is set for an existing one."""

    name: str
    type: PoolType
    path: str | None = None
    volume_group: str | None = None
    server: str | None = None
    export: str | None = None
    libvirt_name: str | None = None


@dataclass(frozen=True)
class ImageSpec:
    """A base image: imported once per host. `kernel`, `initrd` are paths on the host, for direct boot."""

    name: str
    source: str
    sha256: str
    pool: str
    user: str
    kernel: str | None = None
    initrd: str | None = None
    cmdline: str | None = None


@dataclass(frozen=True)
class DiskSpec:
    """A disk; an overlay if it has an image, else empty. `rebuild` is raised to get a fresh one."""

    name: str
    key: str
    size: int
    pool: str
    image: str | None = None
    format: Literal["qcow2", "raw"] = "qcow2"
    keep: bool = True
    rebuild: int = 0


@dataclass(frozen=True)
class DiskUse:
    """A disk in a VM, as `target` (`vdb`)."""

    disk: str
    target: str
    readonly: bool = False


@dataclass(frozen=True)
class NicSpec:
    """A network card; without `mac` it gets one that depends on stack, VM key and position only."""

    network: str
    address: IPv4Address | None = None
    mac: str | None = None


@dataclass(frozen=True)
class VmSpec:
    name: str
    key: str
    hostname: str
    vcpus: int
    memory: int
    max_vcpus: int
    max_memory: int
    root: DiskSpec
    disks: tuple[DiskUse, ...] = ()
    nics: tuple[NicSpec, ...] = ()
    user: str = "debian"
    ssh_keys: tuple[str, ...] = ()
    user_data: Mapping[str, Any] | None = None
    cloud_init: bool = True
    autostart: bool = True
    firmware: Firmware = "bios"
    tpm: bool = False
    kernel: str | None = None
    initrd: str | None = None
    cmdline: str | None = None
    domain_type: DomainType = "auto"
    cpu_mode: str | None = None
    machine: str | None = None
    serial: bool = True
    vnc: bool = False
    guest_agent: bool = True
    wait_for_address: bool = True
    shutdown_seconds: int = 30
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StackSpec:
    """Everything of one stack, by name; names refer to entries that are there."""

    networks: Mapping[str, NetworkSpec] = field(default_factory=dict)
    pools: Mapping[str, PoolSpec] = field(default_factory=dict)
    images: Mapping[str, ImageSpec] = field(default_factory=dict)
    disks: Mapping[str, DiskSpec] = field(default_factory=dict)
    vms: Mapping[str, VmSpec] = field(default_factory=dict)
