"""What was seen on a host, as values. Sizes are bytes; `amounts` are what the quota model charges.

A running domain is charged the larger of its live and its persistent definition, of what it *holds*: vCPUs
that are plugged in and the balloon's real size (`currentMemory`), not the ceilings it may be grown to. The
host withholds vCPUs that are not plugged in. The balloon needs the guest: QEMU starts a guest with its whole
ceiling, and libvirt reports the balloon's real size, so a guest that has not given memory back (still
booting, or unwilling) is charged its ceiling until it does. Without a declared ceiling there is no such
moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

DomainState = Literal[
    "nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "suspended"
]
VolumeRole = Literal["disk", "backing", "image", "media"]


@dataclass(frozen=True)
class Hint:
    """Limen's metadata in a domain's or network's XML. Operators of the host can write it: no proof.

    `stack` is the Pulumi stack (`program/stack`) of a domain that one made.
    """

    owner: str
    project: str
    claim: str
    key: str
    stack: str = ""


@dataclass(frozen=True)
class DiskSeen:
    """A disk or drive of a domain. `pool`/`volume` are None when its file is in no pool that was listed."""

    target: str
    device: str
    path: str | None
    pool: str | None
    volume: str | None
    format: str | None
    readonly: bool
    capacity: int | None


@dataclass(frozen=True)
class InterfaceSeen:
    """A network card; `network` is the libvirt network's name, `bridge` the host's bridge if it is on one."""

    mac: str
    network: str | None
    bridge: str | None
    target: str | None


@dataclass(frozen=True)
class SnapshotSeen:
    """A snapshot. `disk` is the most it can hold outside its domain's volumes: internal copies, saved
    memory.
    """

    name: str
    disk: int

    @property
    def amounts(self) -> Mapping[str, int]:
        return {"snapshots": 1, "disk": self.disk}


@dataclass(frozen=True)
class Size:
    """vCPUs and memory of one definition, with the ceilings to which a running domain can grow."""

    vcpus: int
    memory: int
    max_vcpus: int
    max_memory: int


@dataclass(frozen=True)
class DomainSeen:
    """A domain. `live` is None when it is off, `defined` when it is transient (it vanishes when it stops)."""

    uuid: str
    name: str
    state: DomainState
    autostart: bool
    live: Size | None
    defined: Size | None
    disks: tuple[DiskSeen, ...] = ()
    interfaces: tuple[InterfaceSeen, ...] = ()
    snapshots: tuple[SnapshotSeen, ...] = ()
    hint: Hint | None = None

    @property
    def active(self) -> bool:
        return self.live is not None

    @property
    def vcpus(self) -> int:
        return max(size.vcpus for size in (self.live, self.defined) if size)

    @property
    def memory(self) -> int:
        return max(size.memory for size in (self.live, self.defined) if size)

    @property
    def amounts(self) -> Mapping[str, int]:
        return {"vms": 1, "vcpus": self.vcpus, "memory": self.memory}


@dataclass(frozen=True)
class NetworkSeen:
    uuid: str
    name: str
    active: bool
    persistent: bool
    bridge: str | None
    hint: Hint | None = None

    @property
    def amounts(self) -> Mapping[str, int]:
        return {"networks": 1}


@dataclass(frozen=True)
class VolumeSeen:
    """A volume. `backing` is the path of the file it is a layer over.

    Roles: `image` is named `limen-image-<sha256>...`, `backing` is another volume's backing file (a base
    image, or a layer that a snapshot froze), `media` is in use as nothing but a CD (cloud-init) and charged
    nothing, `disk` is everything else. A volume's content never makes it `media`: its guest writes that.
    """

    pool: str
    name: str
    key: str
    path: str
    capacity: int
    allocation: int
    format: str | None
    backing: str | None
    role: VolumeRole

    @property
    def identity(self) -> str:
        """`pool/name`, a disk's identity in the ledger."""
        return f"{self.pool}/{self.name}"

    @property
    def amounts(self) -> Mapping[str, int]:
        return {} if self.role == "media" else {"disk": self.capacity}


@dataclass(frozen=True)
class HostObservation:
    """One scan. What is missing here is gone from the host, except the volumes of `unseen_pools`.

    `unseen_pools` exist but could not be listed (inactive, storage away): keep their last observation.
    """

    host_uuid: str
    domains: tuple[DomainSeen, ...] = ()
    networks: tuple[NetworkSeen, ...] = ()
    volumes: tuple[VolumeSeen, ...] = ()
    unseen_pools: tuple[str, ...] = ()


@dataclass(frozen=True)
class Capacity:
    """A host's whole capacity. `disk` counts each filesystem and volume group below its pools once."""

    vcpus: int
    memory: int
    disk: int

    @property
    def amounts(self) -> Mapping[str, int]:
        return {"vcpus": self.vcpus, "memory": self.memory, "disk": self.disk}


@dataclass(frozen=True)
class HostCapabilities:
    """What a new domain on this host should look like."""

    host_uuid: str
    arch: str
    emulator: str
    domain_type: Literal["kvm", "qemu"]
    cpu_mode: Literal["host-passthrough", "host-model", "maximum"]
    machine: str
    max_vcpus: int
    uefi: bool
    secure_boot: bool
    tpm: bool
    firmware_files: tuple[str, ...] = ()

    def as_answer(self) -> dict[str, str | int | bool]:
        """What programs are told: the answer of the provider's function `getHostCapabilities`."""
        return {
            "hostUuid": self.host_uuid,
            "arch": self.arch,
            "domainType": self.domain_type,
            "cpuMode": self.cpu_mode,
            "machine": self.machine,
            "maxVcpus": self.max_vcpus,
            "uefi": self.uefi,
            "secureBoot": self.secure_boot,
            "tpm": self.tpm,
        }


@dataclass(frozen=True)
class InterfaceAddress:
    """An address of a guest. `source`: `agent` (the guest says so), `lease` (DHCP), `arp`."""

    mac: str
    address: str
    prefix: int
    source: Literal["agent", "lease", "arp"]
