"""What needs a guest that answers: one booted system, taken through the changes of its life in order."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from limen.hypervisor.connection import Connection
from limen.hypervisor.devices import (
    attach_disk,
    attach_interface,
    detach_disk,
    detach_interface,
    move_interface,
)
from limen.hypervisor.domains import addresses, find_domain, stop_domain, wait_for_address
from limen.hypervisor.images import ensure_image
from limen.hypervisor.model import DomainSeen
from limen.hypervisor.resize import resize_domain
from limen.hypervisor.volumes import grow_volume
from tests.contract.hypervisor.conftest import MakeDomain
from tests.contract.hypervisor.pieces import disk
from tests.lab import image, openvswitch
from tests.lab.instance import Instance
from tests.lab.processes import wait_until

MIB = 2**20
# 30 s on two quiet cores under TCG, and many times that beside others.
BOOT_SECONDS = 600.0
MAC = "52:54:00:00:00:aa"
AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
LAN = """<network><name>guests</name><bridge name='br-guests'/>
<ip address='10.91.0.1' netmask='255.255.255.0'><dhcp><range start='10.91.0.10' end='10.91.0.90'/></dhcp></ip>
</network>"""


@pytest.fixture
def lan(conn: Connection) -> Iterator[str]:
    made = conn.run(lambda handle: handle.networkCreateXML(LAN))
    yield "guests"
    conn.run(lambda _: made.destroy())


@pytest.fixture
def vlans(lab: Instance, conn: Connection) -> Iterator[dict[str, int]]:
    """Networks in VLANs of one bridge of Open vSwitch, and their tags."""
    openvswitch.up(lab)
    openvswitch.add_bridge(lab, "limenovs1")
    tags = {"blue": 42, "green": 43}
    texts = [vlan(name, tag) for name, tag in tags.items()]
    made = conn.run(lambda handle: [handle.networkCreateXML(text) for text in texts])
    yield tags
    for network in made:
        conn.run(lambda _, network=network: network.destroy())
    openvswitch.down(lab)


def vlan(name: str, tag: int) -> str:
    return (
        f"<network><name>{name}</name><forward mode='bridge'/><bridge name='limenovs1'/>"
        f"<virtualport type='openvswitch'/><vlan><tag id='{tag}'/></vlan></network>"
    )


def seed(folder: Path) -> str:
    """A cloud-init medium that asks for nothing: the first card gets its address by DHCP."""
    (folder / "meta-data").write_text("instance-id: guest\nlocal-hostname: guest\n")
    (folder / "user-data").write_text("#cloud-config\nmanage_etc_hosts: true\n")
    argv = [
        "genisoimage",
        "-quiet",
        "-output",
        "seed.iso",
        "-volid",
        "cidata",
        "-rock",
        "meta-data",
        "user-data",
    ]
    subprocess.run(argv, cwd=folder, check=True)
    return str(folder / "seed.iso")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_life_of_a_guest(
    lab: Instance,
    conn: Connection,
    pool: str,
    lan: str,
    vlans: dict[str, int],
    domain: MakeDomain,
    volume: Callable[..., str],
    tmp_path: Path,
) -> None:
    system = image.build()
    base = ensure_image(conn, pool, Path(system.disk), system.sha256)
    root = volume("root", backing=base.name, mib=2048)
    volume("data")
    card = (
        f"<interface type='network'><mac address='{MAC}'/><source network='{lan}'/>"
        "<model type='virtio'/></interface>"
    )
    boot = (
        f"<kernel>{system.kernel}</kernel><initrd>{system.initrd}</initrd>"
        "<cmdline>root=/dev/vda rw console=ttyS0 quiet</cmdline>"
    )
    uuid = domain(
        "guest",
        devices=disk(root)
        + disk(seed(tmp_path), "hda", "raw", "cdrom")
        + card
        + AGENT
        + "<serial type='pty'/>",
        memory="<memory unit='MiB'>512</memory><currentMemory unit='MiB'>384</currentMemory>",
        vcpu="<vcpu current='1'>2</vcpu>",
        boot=boot,
    )

    def seen() -> DomainSeen:
        found = find_domain(conn, uuid)
        assert found is not None
        return found

    def agent_answers() -> bool:
        argv = ["virsh", "-c", conn.uri, "qemu-agent-command", uuid, '{"execute":"guest-ping"}']
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0

    conn.run(lambda handle: handle.lookupByUUIDString(uuid).create())
    assert seen().memory == 512 * MIB, "until its balloon answers the guest has its ceiling"
    wait_until(lambda: seen().memory == 384 * MIB, BOOT_SECONDS, "the balloon")
    found = wait_for_address(conn, uuid, BOOT_SECONDS)
    assert [(each.mac, each.address.startswith("10.91.0.")) for each in found] == [(MAC, True)]
    wait_until(agent_answers, BOOT_SECONDS, "the agent")
    assert {each.source for each in addresses(conn, uuid)} == {"agent"}

    assert resize_domain(conn, uuid, 2, 448 * MIB, allow_restart=False) == "live"
    wait_until(lambda: seen().memory == 448 * MIB, 60.0, "the larger balloon")
    online = conn.run(lambda handle: handle.lookupByUUIDString(uuid).guestVcpus())
    assert online["online"] == "0-1", "the guest uses the vCPU that was plugged in"
    assert resize_domain(conn, uuid, 2, 320 * MIB, allow_restart=False) == "live"
    wait_until(lambda: seen().memory == 320 * MIB, 60.0, "the smaller balloon")

    assert attach_disk(conn, uuid, "vdb", pool, "data")
    assert grow_volume(conn, pool, "data", 16 * MIB) == "live"
    assert attach_interface(conn, uuid, "52:54:00:00:00:bb", network=lan)
    assert detach_disk(conn, uuid, "vdb", seconds=60)
    assert detach_interface(conn, uuid, "52:54:00:00:00:bb", seconds=60)

    # Libvirt moves no running card between these: it is plugged in anew, and the guest lets go of it.
    assert attach_interface(conn, uuid, "52:54:00:00:00:cc", network="blue")
    for network, tag in reversed(vlans.items()):
        assert move_interface(conn, uuid, "52:54:00:00:00:cc", network)
        card = next(each for each in seen().interfaces if each.mac.endswith("cc"))
        assert card.target is not None
        assert openvswitch.tag(lab, card.target) == tag
    assert detach_interface(conn, uuid, "52:54:00:00:00:cc", seconds=60)
    assert [found.target for found in seen().disks] == ["vda", "hda"]
    assert [found.mac for found in seen().interfaces] == [MAC]

    assert resize_domain(conn, uuid, 1, 256 * MIB, graceful_seconds=120, max_vcpus=2) == "restart"
    restarted = seen().live
    assert restarted is not None
    assert (restarted.vcpus, restarted.max_vcpus) == (1, 2)
    wait_until(agent_answers, BOOT_SECONDS, "the agent again")
    assert stop_domain(conn, uuid, graceful_seconds=120) == "graceful"
    assert addresses(conn, uuid) == ()
