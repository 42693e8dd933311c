"""The stylesheets, applied by the real xsltproc to what pulumi-libvirt 0.5.4 writes (samples/)."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from limen.hypervisor import domain_xml
from pulumi_limen.xslt import NAMESPACE, TAGS_NAMESPACE, domain_xslt, network_xslt

SAMPLES = Path(__file__).parent / "samples"
UUID = "3b0b0b7e-0000-5000-8000-000000000001"
HINT = {"owner": "stack", "project": "demo", "claim": "c1", "key": "vm:web-1"}
EVIL = "<x a=\"1\">&'{concat('a','b')}</x>]]>"
MIB = 2**20

pytestmark = pytest.mark.skipif(shutil.which("xsltproc") is None, reason="xsltproc is not installed")


def read(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314


def apply(sheet: str, tmp_path: Path, text: str) -> ET.Element:
    (tmp_path / "sheet.xsl").write_text(sheet)
    (tmp_path / "in.xml").write_text(text)
    # The plugin's own flags: a stylesheet can reach neither files nor the network.
    argv = ["xsltproc", "--nomkdir", "--nonet", "--nowrite", "sheet.xsl", "in.xml"]
    return read(subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=True).stdout)


def domain() -> str:
    return (SAMPLES / "domain.xml").read_text()


def shape(element: ET.Element) -> list[str]:
    return [
        f"{each.tag} {sorted(each.attrib.items())} {(each.text or '').strip()}" for each in element.iter()
    ]


def test_identity_and_hint_are_added_and_nothing_else_changes(tmp_path: Path) -> None:
    root = apply(domain_xslt(uuid=UUID, hint=HINT), tmp_path, domain().replace("q35", "i440fx"))
    assert [element.text for element in root.findall("uuid")] == [UUID]
    (item,) = root.findall(f"metadata/{{{NAMESPACE}}}item")
    assert item.attrib == HINT
    for tag in ("uuid", "metadata"):
        root.remove(root.findall(tag)[0])
    assert shape(root) == shape(read(domain().replace("q35", "i440fx")))


@pytest.mark.parametrize(
    ("key", "type_", "source"),
    [
        ("/srv/vms/web 1'&<root>.qcow2", "file", {"file": "/srv/vms/web 1'&<root>.qcow2"}),
        ("/dev/vg/web-1", "block", {"dev": "/dev/vg/web-1"}),
        ("zTUcJ9-logical-volumes-have-such-keys", "volume", {"pool": "default", "volume": "web-1-root"}),
    ],
    ids=["file", "block", "logical"],
)
def test_the_root_disk_is_named_by_its_path_where_it_has_one(
    tmp_path: Path, key: str, type_: str, source: dict[str, str]
) -> None:
    root = apply(domain_xslt(uuid=UUID, hint=HINT, root_disk=key), tmp_path, domain())
    disk, seed = root.findall("devices/disk")
    assert disk.attrib == {"type": type_, "device": "disk"}
    assert [each.attrib for each in disk.findall("source")] == [source]
    assert [(each.tag, each.attrib) for each in disk if each.tag != "source"] == [
        ("driver", {"name": "qemu", "type": "qcow2"}),
        ("target", {"dev": "vda", "bus": "virtio"}),
    ]
    assert seed.findall("source")[0].attrib == {"file": "/var/lib/libvirt/images/web-1-ci.iso"}


def test_tags_and_stack_stand_beside_the_hint_as_libvirt_keeps_them(tmp_path: Path) -> None:
    tags = {"role": "database,operators", "note": EVIL}
    text = domain().replace(
        "<memory ", f"<metadata><tags xmlns='{TAGS_NAMESPACE}'><tag name='old'/></tags></metadata><memory ", 1
    )
    root = apply(domain_xslt(uuid=UUID, hint=HINT, stack="vm_stack/dev", tags=tags), tmp_path, text)
    assert domain_xml.tags_of(root) == tags
    hint = domain_xml.hint_of(root)
    assert hint is not None
    assert hint.stack == "vm_stack/dev"
    bare = apply(domain_xslt(uuid=UUID, hint=HINT, tags={}), tmp_path, text)
    assert len(bare.findall("metadata/*")) == 1


def test_ceilings_are_set_and_the_plugins_sizes_become_the_current_ones(tmp_path: Path) -> None:
    sheet = domain_xslt(uuid=UUID, hint=HINT, max_vcpus=4, max_memory=256 * MIB)
    root = apply(sheet, tmp_path, domain())
    assert [(e.tag, e.text, e.get("unit")) for e in root if "emory" in e.tag] == [
        ("memory", "262144", "KiB"),
        ("currentMemory", "128", "MiB"),
    ]
    assert [(e.text, e.get("current")) for e in root.findall("vcpu")] == [("4", "1")]


def test_what_the_plugin_wrote_is_replaced_and_what_others_wrote_stays(tmp_path: Path) -> None:
    written = (
        "<uuid>00000000-0000-4000-8000-000000000000</uuid><currentMemory unit='MiB'>64</currentMemory>"
        f"<metadata><o xmlns='urn:other'>kept</o><item xmlns='{NAMESPACE}' key='old'/></metadata><memory "
    )
    sheet = domain_xslt(uuid=UUID, hint=HINT, max_memory=256 * MIB)
    root = apply(sheet, tmp_path, domain().replace("<memory ", written, 1))
    assert [element.text for element in root.findall("uuid")] == [UUID]
    assert [element.text for element in root.findall("currentMemory")] == ["128"]
    metadata = root.findall("metadata")
    assert len(metadata) == 1
    assert [(e.tag, e.get("key"), e.text) for e in metadata[0]] == [
        ("{urn:other}o", None, "kept"),
        (f"{{{NAMESPACE}}}item", "vm:web-1", None),
    ]


def test_no_value_of_a_user_becomes_markup_or_xpath(tmp_path: Path) -> None:
    hint = dict.fromkeys(HINT, EVIL)
    root = apply(domain_xslt(uuid=UUID, hint=hint), tmp_path, domain())
    (item,) = root.findall(f"metadata/{{{NAMESPACE}}}item")
    assert item.attrib == hint


def test_ports_for_plugging_in_are_numbered_from_one(tmp_path: Path) -> None:
    root = apply(domain_xslt(uuid=UUID, hint=HINT, hotplug_ports=3), tmp_path, domain())
    ports = root.findall("devices/controller[@model='pcie-root-port']")
    assert [port.get("index") for port in ports] == ["1", "2", "3"]


def test_q35_has_no_ide_for_the_cloud_init_medium(tmp_path: Path) -> None:
    sheet = domain_xslt(uuid=UUID, hint=HINT)
    modern = apply(sheet, tmp_path, domain())
    assert [e.get("bus") for e in modern.iterfind("devices/disk/target")] == ["virtio", "scsi"]
    assert modern.find("devices/controller[@model='virtio-scsi']") is not None
    old = domain().replace("pc-q35-7.2", "pc-i440fx-7.2")
    aged = apply(sheet, tmp_path, old)
    assert aged.find("devices/controller[@model='virtio-scsi']") is None
    assert [e.get("bus") for e in aged.iterfind("devices/disk/target")] == [
        "virtio",
        "ide",
    ]


def test_firmware(tmp_path: Path) -> None:
    uefi = apply(domain_xslt(uuid=UUID, hint=HINT, firmware="uefi"), tmp_path, domain())
    assert [e.get("firmware") for e in uefi.findall("os")] == ["efi"]
    assert uefi.find("features/smm") is None
    secure = apply(domain_xslt(uuid=UUID, hint=HINT, firmware="uefi-secure"), tmp_path, domain())
    assert [e.get("secure") for e in secure.findall("os/loader")] == ["yes"]
    assert [e.get("name") for e in secure.findall("os/firmware/feature")] == ["secure-boot", "enrolled-keys"]
    assert [e.get("state") for e in secure.findall("features/smm")] == ["on"]
    assert secure.find("features/acpi") is not None


def test_a_network_gets_identity_and_hint(tmp_path: Path) -> None:
    text = (SAMPLES / "network.xml").read_text()
    root = apply(network_xslt(uuid=UUID, hint=HINT), tmp_path, text)
    assert [element.text for element in root.findall("uuid")] == [UUID]
    assert len(root.findall(f"metadata/{{{NAMESPACE}}}item")) == 1
    assert len(root) == len(read(text)) + 2


def test_the_same_arguments_give_the_same_text() -> None:
    other_order = dict(reversed(HINT.items()))
    assert domain_xslt(uuid=UUID.upper(), hint=other_order) == domain_xslt(uuid=UUID, hint=HINT)


@pytest.mark.parametrize("sizes", [{"max_memory": 0}, {"max_memory": 1025}, {"max_vcpus": 0}])
def test_ceilings_that_are_none_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="max_"):
        domain_xslt(uuid=UUID, hint=HINT, **sizes)  # type: ignore[arg-type]


@pytest.mark.parametrize("hint", [{}, {**HINT, "colour": "red"}])
def test_a_hint_has_exactly_its_fields(hint: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="owner, project, claim, key"):
        network_xslt(uuid=UUID, hint=hint)


def test_an_identity_is_a_uuid() -> None:
    with pytest.raises(ValueError, match="UUID"):
        network_xslt(uuid="web-1", hint=HINT)
