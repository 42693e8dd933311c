"""Firmware, consoles, ceilings and data disks of VMs that run."""

import xml.etree.ElementTree as ET

from limen.hypervisor import domain_xml, xmltools
from tests.integration.sdk.conftest import PROJECT
from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

MIB = 1024**2
NETWORKS = guests.networks(71, "lan")


def xml(world: World, stack: Stack, name: str) -> ET.Element:
    return xmltools.parse(world.virsh("dumpxml", f"{stack.name}-{name}"))


def test_firmware_consoles_and_machines(roomy: World, stack: Stack) -> None:
    vms = {
        "uefi": guests.vm(machine="q35", firmware="uefi", vnc=True, memory="128MiB"),
        "secure": guests.vm(machine="q35", firmware="uefi-secure", tpm=True, memory="128MiB"),
        "kept": guests.vm(keep=True, serial=False),
    }
    document = roomy.document(vms, networks=NETWORKS)
    stack.configure(document, PROJECT)
    stack.up().require()
    uefi, secure, kept = (xml(roomy, stack, name) for name in vms)
    named_by = {each.get("type") for tree in (uefi, secure, kept) for each in tree.findall("devices/disk")}
    assert named_by == {"file"}, "AppArmor gives a guest no volume that is named by its pool"
    assert uefi.find("os/loader") is not None
    assert [each.get("type") for each in uefi.findall("devices/graphics")] == ["vnc"]
    [listen] = uefi.findall("devices/graphics/listen")
    assert listen.get("address") == "127.0.0.1"
    assert [each.get("secure") for each in secure.findall("os/loader")] == ["yes"]
    assert [each.get("version") for each in secure.findall("devices/tpm/backend")] == ["2.0"]
    assert secure.find("features/smm") is not None
    assert secure.find("devices/graphics") is None
    assert kept.find("os/loader") is None
    assert [each.get("machine", "")[:5] for each in kept.findall("os/type")] == ["pc-i4"]
    assert {domain.state for domain in roomy.domains().values()} == {"running"}
    stack.refresh("--expect-no-changes").require()
    agree(roomy, stack)

    # A kept root disk holds its data whatever the plan wants.
    document["vms"]["kept"]["rebuild"] = 1
    stack.configure(document, PROJECT)
    outcome = stack.up()
    assert outcome.code != 0
    assert "protect" in outcome.output


def test_tags_change_while_the_vm_runs_on(roomy: World, stack: Stack) -> None:
    document = roomy.document({"web": guests.vm(tags={"role": "database"})}, networks=NETWORKS)
    stack.configure(document, PROJECT)
    stack.up().require()
    before = domain_xml.tags_of(xml(roomy, stack, "web"))
    assert before == {"role": "database"}
    ids = ids_of(roomy)

    for tags in ({"role": "proxy", "tier": "front"}, {}):
        document["vms"]["web"]["tags"] = tags
        stack.configure(document, PROJECT)
        stack.up().require()
        assert domain_xml.tags_of(xml(roomy, stack, "web")) == tags
        assert ids_of(roomy) == ids, "a VM was restarted"
        stack.refresh("--expect-no-changes").require()
    agree(roomy, stack)


def test_a_running_vm_grows_within_its_ceilings_and_takes_disks(roomy: World, stack: Stack) -> None:
    vms = {
        "q": guests.vm(machine="q35", max_vcpus=4, max_memory="128MiB", disks=["one"]),
        "p": guests.vm(machine="pc", max_vcpus=2),
    }
    document = roomy.document(vms, networks=NETWORKS, disks={"one": {"size": "4MiB", "keep": False}})
    stack.configure(document, PROJECT)
    stack.up().require()
    ids = ids_of(roomy)

    document["vms"]["q"] |= {"vcpus": 3, "memory": "96MiB", "disks": ["one", "two"]}
    document["vms"]["p"] |= {"vcpus": 2, "disks": ["three"]}
    document["disks"] |= {
        "one": {"size": "8MiB", "keep": False},
        "two": {"size": "4MiB", "keep": True},
        "three": {"size": "4MiB", "format": "raw", "keep": False},
    }
    stack.configure(document, PROJECT)
    stack.up().require()
    domains = roomy.domains()
    q, p = domains[f"{stack.name}-q"], domains[f"{stack.name}-p"]
    assert ids_of(roomy) == ids, "a VM was restarted"
    assert q.live is not None
    assert q.defined is not None
    assert p.live is not None
    assert (q.live.vcpus, q.defined.vcpus, q.defined.memory) == (3, 3, 96 * MIB)
    assert p.live.vcpus == 2
    assert [disk.target for disk in q.disks] == ["vda", "vdb", "vdc"]
    assert [disk.target for disk in p.disks] == ["vda", "vdb"]
    assert next(disk.capacity for disk in q.disks if disk.target == "vdb") == 8 * MIB
    stack.preview("--expect-no-changes").require()
    stack.refresh("--expect-no-changes").require()

    # A disk that is taken out stays; its guest is off, for a halted one lets go of nothing.
    roomy.virsh("destroy", q.name)
    document["vms"]["q"]["disks"] = ["one"]
    stack.configure(document, PROJECT)
    stack.up().require()
    assert [disk.target for disk in roomy.domains()[q.name].disks] == ["vda", "vdb"]
    # What is kept is not deleted, not even when nothing uses it.
    del document["disks"]["two"]
    stack.configure(document, PROJECT)
    outcome = stack.up()
    assert outcome.code != 0
    assert "protect" in outcome.output
    assert f"{stack.name}-two" in [volume.name for volume in roomy.seen().volumes]


def ids_of(world: World) -> dict[str, str]:
    """Libvirt's numbers of running domains: a restart gives another."""
    return {name: world.virsh("domid", name).strip() for name in world.domains()}
