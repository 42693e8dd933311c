import pytest

from limen.hypervisor import domain_xml, xmltools
from limen.hypervisor.errors import Refused
from limen.hypervisor.model import Hint, Size

MIB = 2**20

DOMAIN = """
<domain type='qemu'>
  <name>web</name>
  <metadata>
    <limen:item xmlns:limen='urn:limen:domain:1' owner='o' project='p' claim='c' key='vm:web'/>
  </metadata>
  <memory unit='KiB'>262144</memory>
  <currentMemory unit='KiB'>131072</currentMemory>
  <vcpu placement='static' current='2'>4</vcpu>
  <vcpus><vcpu id='0' enabled='yes' hotpluggable='no'/></vcpus>
  <cpu mode='maximum'><topology sockets='4' dies='1' cores='1' threads='1'/></cpu>
  <devices>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source pool='default' volume='root'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/><source file='/x/ci.iso'/><target dev='hdd'/><readonly/>
    </disk>
    <disk type='file' device='cdrom'><target dev='hdc'/><readonly/></disk>
    <interface type='network'>
      <mac address='52:54:00:AB:00:01'/>
      <source network='lan' portid='x' bridge='virbr1'/>
      <target dev='vnet0'/>
    </interface>
  </devices>
</domain>
"""


def with_(old: str, new: str) -> str:
    assert old in DOMAIN
    return DOMAIN.replace(old, new)


def test_the_size_is_what_is_held_and_the_ceiling_is_apart() -> None:
    assert domain_xml.size_of(xmltools.parse(DOMAIN)) == Size(2, 128 * MIB, 4, 256 * MIB)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (with_("<currentMemory unit='KiB'>131072</currentMemory>", ""), Size(2, 256 * MIB, 4, 256 * MIB)),
        (with_(" current='2'", ""), Size(4, 128 * MIB, 4, 256 * MIB)),
        (with_("unit='KiB'>262144", "unit='GiB'>1"), Size(2, 128 * MIB, 4, 1024 * MIB)),
        # Without a balloon the guest has its whole memory, whatever currentMemory says.
        (with_("<devices>", "<devices><memballoon model='none'/>"), Size(2, 256 * MIB, 4, 256 * MIB)),
    ],
)
def test_the_size_of_other_spellings(text: str, size: Size) -> None:
    assert domain_xml.size_of(xmltools.parse(text)) == size


def test_the_hint_is_read_and_absent_attributes_are_empty() -> None:
    assert domain_xml.hint_of(xmltools.parse(DOMAIN)) == Hint("o", "p", "c", "vm:web")
    assert domain_xml.hint_of(xmltools.parse(with_("owner='o' ", ""))) == Hint("", "p", "c", "vm:web")
    assert domain_xml.hint_of(xmltools.parse("<domain/>")) is None


def test_disks_are_known_by_volume_or_by_path() -> None:
    root, medium, empty = domain_xml.disks_of(xmltools.parse(DOMAIN))
    assert (root.target, root.pool, root.volume, root.path, root.readonly) == (
        "vda",
        "default",
        "root",
        None,
        False,
    )
    assert (medium.device, medium.path, medium.readonly) == ("cdrom", "/x/ci.iso", True)
    assert empty.path is None


def test_another_size_keeps_everything_else() -> None:
    wanted = Size(vcpus=3, memory=512 * MIB, max_vcpus=8, max_memory=1024 * MIB)
    root = xmltools.parse(domain_xml.with_size(DOMAIN, wanted))
    assert domain_xml.size_of(root) == wanted
    assert root.find("vcpus") is None
    assert root.find("cpu/topology") is None, "4 sockets would contradict 8 vCPUs"
    assert domain_xml.hint_of(root) == Hint("o", "p", "c", "vm:web")
    assert len(root.findall("devices/*")) == 4


def test_a_topology_that_still_fits_stays() -> None:
    root = xmltools.parse(domain_xml.with_size(DOMAIN, Size(3, 128 * MIB, 4, 256 * MIB)))
    assert root.find("cpu/topology") is not None


def test_a_numa_layout_is_not_guessed_at() -> None:
    text = with_("<topology", "<numa><cell id='0' cpus='0-3' memory='262144'/></numa><topology")
    with pytest.raises(Refused, match="NUMA"):
        domain_xml.with_size(text, Size(2, 128 * MIB, 8, 256 * MIB))


def test_a_card_is_found_whatever_the_case_of_its_mac_and_moved() -> None:
    card = domain_xml.find_interface(xmltools.parse(DOMAIN), "52:54:00:ab:00:01")
    assert card is not None
    domain_xml.connect_interface(card, None, "br0")
    moved = domain_xml.parse_interface(card)
    assert (moved.network, moved.bridge, moved.target, card.get("type")) == (None, "br0", "vnet0", "bridge")


def test_a_card_that_moves_leaves_the_vlan_of_its_network_behind() -> None:
    card = xmltools.parse(
        "<interface type='bridge'><source network='blue' portid='1' bridge='ovs'/><vlan><tag id='42'/></vlan>"
        "<virtualport type='openvswitch'><parameters interfaceid='2'/></virtualport></interface>"
    )
    domain_xml.connect_interface(card, "green", None)
    assert xmltools.unparse(card) == '<interface type="network"><source network="green" /></interface>'


@pytest.mark.parametrize(("network", "bridge"), [(None, None), ("lan", "br0")])
def test_a_card_is_connected_to_exactly_one_thing(network: str | None, bridge: str | None) -> None:
    with pytest.raises(Refused, match="exactly one"):
        domain_xml.interface_xml("52:54:00:00:00:01", network, bridge, "virtio")


def test_values_of_users_never_become_markup() -> None:
    text = domain_xml.interface_xml("52:54:00:00:00:01", "<evil attr='\"&", None, "virtio")
    assert domain_xml.parse_interface(xmltools.parse(text)).network == "<evil attr='\"&"
