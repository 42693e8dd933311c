"""The types of resources that policies know, and what an Admission has to say about each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LIBVIRT = "libvirt:"
DOMAIN = "libvirt:index/domain:Domain"
VOLUME = "libvirt:index/volume:Volume"
NETWORK = "libvirt:index/network:Network"
POOL = "libvirt:index/pool:Pool"
CLOUD_INIT_DISK = "libvirt:index/cloudInitDisk:CloudInitDisk"
IGNITION = "libvirt:index/ignition:Ignition"
COMBUSTION = "libvirt:index/combustion:Combustion"

CLAIM = "limen:index:QuotaClaim"
ADMISSION = "limen:index:Admission"
IMAGE = "limen:index:Image"
DOMAIN_SIZE = "limen:index:DomainSize"
VOLUME_SIZE = "limen:index:VolumeSize"

MIB = 1024**2


@dataclass(frozen=True)
class Chargeable:
    """How a resource hangs on an Admission of `kind`.

    `sizes`: property -> (the Admission's output, how many of its units one of the property is).
    `target`: the property that names the thing which is changed in place, and that thing's type.
    """

    kind: str
    sizes: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    target: tuple[str, str] | None = None


CHARGEABLE: Mapping[str, Chargeable] = {
    DOMAIN: Chargeable("vm", {"vcpu": ("vcpus", 1), "memory": ("memory", MIB)}),
    VOLUME: Chargeable("disk", {"size": ("disk", 1)}),
    NETWORK: Chargeable("network"),
    # These two are not libvirt's, but what they change is: they make a VM or a disk larger in place.
    DOMAIN_SIZE: Chargeable("vm", {"vcpus": ("vcpus", 1), "memory": ("memory", 1)}, ("uuid", DOMAIN)),
    VOLUME_SIZE: Chargeable("disk", {"size": ("disk", 1)}, ("name", VOLUME)),
    # A VM's first-boot medium: some kilobytes, charged to nobody, but it is for a VM that is admitted.
    CLOUD_INIT_DISK: Chargeable("vm"),
    IGNITION: Chargeable("vm"),
    COMBUSTION: Chargeable("vm"),
}
MEDIA = (CLOUD_INIT_DISK, IGNITION, COMBUSTION)
