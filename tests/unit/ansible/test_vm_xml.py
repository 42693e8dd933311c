"""The collection reads domains and snapshots as limen.hypervisor does, and writes what both read back."""

import pytest
from ansible_collections.limen.platform.plugins.module_utils import snapshot_xml, vm_xml
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.names import item_uuid
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Disk, Hint, Size, Wanted

from limen.hypervisor import domain_xml, xmltools

MIB = 2**20
UUID = item_uuid("5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001", "vm:web")
HINT = Hint("web", "demo", "5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001", "vm:web")
SIZE = Size(1, 64 * MIB, 2, 128 * MIB)
ROOT = Disk("root", "default", "web-root", 8 * MIB)
Q35 = vm_xml.Machine("qemu", "x86_64", "q35", "maximum")
PC = vm_xml.Machine("qemu", "x86_64", "pc", "maximum")
SOURCE = vm_xml.Source("/pool/web-root", False, "qcow2")


def text(machine: vm_xml.Machine = PC, template: str | None = None, seed: bool = False) -> str:
    wanted = Wanted("web", "demo", "defined", disks=(ROOT,), tags={"role": "a,b"}, template=template)
    medium = vm_xml.Source("/pool/web-seed.iso", False, "raw") if seed else None
    cards = [("52:54:00:00:00:01", "lan", None, "virtio")]
    return vm_xml.domain_xml(wanted, SIZE, UUID, HINT, machine, [("vda", "virtio", SOURCE)], cards, medium)


@pytest.mark.parametrize("machine", [PC, Q35])
def test_what_is_written_is_read_alike(machine: vm_xml.Machine) -> None:
    written = text(machine, seed=True)
    root = xmltools.parse(written)
    seen = vm_xml.read(written, None, "stopped", False, {"vda": 8 * MIB})
    size = domain_xml.size_of(root)
    assert seen.defined == SIZE
    assert (size.vcpus, size.memory, size.max_vcpus, size.max_memory) == (1, 64 * MIB, 2, 128 * MIB)
    hint = domain_xml.hint_of(root)
    assert hint is not None
    assert (hint.owner, hint.project, hint.claim, hint.key) == ("web", "demo", HINT.claim, "vm:web")
    assert seen.hint == HINT
    assert dict(seen.tags) == dict(domain_xml.tags_of(root)) == {"role": "a,b"}
    assert [disk.target for disk in domain_xml.disks_of(root)] == vm_xml.targets_of(root)
    assert [card.mac for card in domain_xml.interfaces_of(root)] == [card.mac for card in seen.cards]
    disk = seen.disk("web-root")
    assert disk is not None
    assert disk.capacity == 8 * MIB


def test_a_template_keeps_what_it_brings() -> None:
    template = """<domain type='qemu'><name>other</name><memory unit='GiB'>9</memory><vcpu>9</vcpu>
      <metadata><a xmlns='urn:other'/></metadata><on_crash>restart</on_crash>
      <os><type machine='pc'>hvm</type></os>
      <devices><disk type='file'><source file='/a'/><target dev='vdx'/></disk></devices></domain>"""
    root = vm_xml.parse(text(template=template))
    assert root.findtext("name") == "web"
    assert root.findtext("on_crash") == "restart"
    assert root.find("metadata/{urn:other}a") is not None
    assert vm_xml.size_of(root) == SIZE
    assert vm_xml.targets_of(root) == ["vdx", "vda"]
    assert vm_xml.template_targets(template) == ["vdx"]


def test_sizes_are_written_as_the_provider_writes_them() -> None:
    definition = text()
    size = Size(2, 96 * MIB, 4, 128 * MIB)
    ours = vm_xml.with_size(definition, size)
    theirs = domain_xml.with_size(definition, domain_xml.Size(2, 96 * MIB, 4, 128 * MIB))
    assert vm_xml.size_of(vm_xml.parse(ours)) == vm_xml.size_of(vm_xml.parse(theirs)) == size


def test_a_numa_layout_is_left_alone() -> None:
    definition = text().replace('<cpu mode="maximum" />', "<cpu><numa><cell id='0'/></numa></cpu>")
    with pytest.raises(InvalidInput, match="NUMA layout"):
        vm_xml.with_size(definition, Size(8, 64 * MIB, 8, 128 * MIB))


@pytest.mark.parametrize("bad", ["", "<domain>", "<network/>"])
def test_a_template_that_is_no_domain_is_refused(bad: str) -> None:
    with pytest.raises(InvalidInput, match="xml "):
        vm_xml.check_template(bad)


def test_a_snapshot_is_measured() -> None:
    found = snapshot_xml.snapshot_of(
        """<domainsnapshot><name>one</name><state>running</state><creationTime>7</creationTime>
        <memory snapshot='internal'/>
        <disks><disk name='vda' snapshot='internal'/><disk name='hdd' snapshot='no'/></disks>
        <domain><memory unit='MiB'>64</memory><vcpu>1</vcpu></domain>
        <inactiveDomain><memory unit='MiB'>32</memory><vcpu>2</vcpu></inactiveDomain></domainsnapshot>""",
        current=True,
    )
    assert found.disk({"vda": 8 * MIB, "hdd": MIB}) == (8 + 64) * MIB
    assert found.size == Size(2, 64 * MIB, 2, 64 * MIB)
    assert (found.state, found.created, found.parent) == ("running", 7, None)
