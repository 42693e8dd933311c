"""The texts that guests are made of: libvirt's XML, cloud-init's documents, ssh's configuration. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from xml.sax.saxutils import escape

from tests.lab.image import Image

NETWORK = "guests"
DOMAIN = "guests.internal"
SUBNET = IPv4Network("10.78.0.0/24")
# Places that guests take by their card's address; each always gets the same IP address.
SLOTS = range(10, 30)
USER = "debian"
SNAPSHOT = "booted"


@dataclass(frozen=True)
class Size:
    """What a guest gets: vCPUs, memory and root disk, both in bytes."""

    vcpus: int
    memory: int
    disk: int


def mac_of(slot: int) -> str:
    """The card's address of the guest in that slot."""
    return f"52:54:00:4c:4d:{slot:02x}"


def slot_of(mac: str) -> int:
    """The slot that a card's address stands for."""
    return int(mac.rpartition(":")[2], 16)


def address_of(slot: int) -> IPv4Address:
    """The IP address of the guest in that slot."""
    return SUBNET[slot]


def network_xml() -> str:
    """A NAT network with a place for each slot. Leases last for ever: a guest that goes back in time and has
    its clock put right would drop its address otherwise.
    """
    hosts = "".join(
        f"<host mac='{mac_of(slot)}' ip='{address_of(slot)}'><lease expiry='0'/></host>" for slot in SLOTS
    )
    return f"""<network>
  <name>{NETWORK}</name>
  <forward mode='nat'/>
  <domain name='{DOMAIN}' localOnly='yes'/>
  <ip address='{SUBNET[1]}' netmask='{SUBNET.netmask}'><dhcp>{hosts}</dhcp></ip>
</network>
"""


def domain_xml(name: str, slot: int, size: Size, image: Image, folder: Path, digest: str) -> str:
    """A guest that boots the image's own kernel; `folder` holds its disk, its seed and its console's log."""
    return f"""<domain type='qemu'>
  <name>{name}</name>
  <description>{digest}</description>
  <memory unit='b'>{size.memory}</memory>
  <vcpu>{size.vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{escape(image.kernel)}</kernel>
    <initrd>{escape(image.initrd)}</initrd>
    <cmdline>root=/dev/vda rw console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='unsafe' discard='unmap'/>
      <source file='{escape(str(folder / "disk.qcow2"))}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='{escape(str(folder / "seed.iso"))}'/>
      <target dev='hda' bus='ide'/>
      <readonly/>
    </disk>
    <interface type='network'>
      <mac address='{mac_of(slot)}'/>
      <source network='{NETWORK}'/>
      <model type='virtio'/>
    </interface>
    <serial type='file'><source path='{escape(str(folder / "console.log"))}'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


def user_data(name: str, public_key: str) -> str:
    """The #cloud-config (JSON is YAML): the image's user `debian` with sudo, let in by that key."""
    document = {
        "hostname": name,
        # sudo hangs while a guest cannot resolve its own name.
        "manage_etc_hosts": True,
        "ssh_pwauth": False,
        "ssh_authorized_keys": [public_key],
    }
    return f"#cloud-config\n{json.dumps(document, indent=2)}\n"


def meta_data(name: str, digest: str) -> str:
    """Another digest is another instance, which runs its first-boot steps."""
    return json.dumps({"instance-id": f"{name}-{digest}", "local-hostname": name}) + "\n"


def digest_of(name: str, size: Size, image: Image, public_key: str) -> str:
    """Short hash of everything that a guest is made from: a guest of another hash is made anew."""
    parts = [
        domain_xml(name, SLOTS[0], size, image, Path("/"), ""),
        asdict(image),
        asdict(size),
        user_data(name, public_key),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def ssh_config(guests: Iterable[tuple[str, IPv4Address]], namespace: str, key: Path) -> str:
    """For `ssh -F`: every guest by its name, reached from inside the lab's network namespace."""
    hosts = "".join(f"Host {name}\n    HostName {address}\n\n" for name, address in guests)
    return f"""{hosts}Host *
    User {USER}
    ProxyCommand ip netns exec {namespace} nc %h %p
    IdentityFile {key}
    IdentitiesOnly yes
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    LogLevel ERROR
    ConnectTimeout 30
"""
