"""What a guest of the lab is made from."""

import json
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.guest import documents
from tests.lab.guest.documents import Size
from tests.lab.image import Image

IMAGE = Image(
    "/images/a&b/disk.qcow2", "/images/a&b/vmlinuz", "/images/a&b/initrd.img", "0" * 64, "/images/a&b/root"
)
SIZE = Size(vcpus=2, memory=1024**3, disk=8 * 1024**3)
KEY = "ssh-ed25519 AAAA limen-guest"


def digest(size: Size = SIZE, image: Image = IMAGE, key: str = KEY) -> str:
    return documents.digest_of("web", size, image, key)


def test_slot_is_read_back_from_the_card() -> None:
    for slot in documents.SLOTS:
        assert documents.slot_of(documents.mac_of(slot)) == slot


def test_network_gives_each_slot_its_own_address_for_ever() -> None:
    hosts = ET.fromstring(documents.network_xml()).findall("ip/dhcp/host")  # noqa: S314  our own
    assert {(host.get("mac"), host.get("ip")) for host in hosts} == {
        (documents.mac_of(slot), str(documents.address_of(slot))) for slot in documents.SLOTS
    }
    assert {host.find("lease").get("expiry") for host in hosts} == {"0"}  # type: ignore[union-attr]


def test_domain_is_well_formed_and_sized_in_bytes() -> None:
    domain = ET.fromstring(documents.domain_xml("web", 12, SIZE, IMAGE, Path("/state/web"), "abc"))  # noqa: S314
    assert domain.findtext("memory") == str(1024**3)
    assert domain.findtext("vcpu") == "2"
    assert domain.findtext("os/kernel") == IMAGE.kernel
    assert domain.findtext("description") == "abc"


@pytest.mark.parametrize(
    "other",
    [
        digest(size=Size(1, SIZE.memory, SIZE.disk)),
        digest(image=replace(IMAGE, sha256="1" * 64)),
        digest(key="ssh-ed25519 BBBB limen-guest"),
    ],
)
def test_guest_made_from_something_else_has_another_digest(other: str) -> None:
    assert other != digest()


def test_disk_size_counts_for_the_digest() -> None:
    assert digest(size=Size(SIZE.vcpus, SIZE.memory, 9 * 1024**3)) != digest()


def test_same_guest_has_the_same_digest() -> None:
    assert digest() == digest()


def test_cloud_init_lets_the_key_in() -> None:
    first, _, text = documents.user_data("web", KEY).partition("\n")
    assert first == "#cloud-config"
    assert json.loads(text)["ssh_authorized_keys"] == [KEY]


def test_ssh_finds_a_guest_by_its_name(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(
        documents.ssh_config([("web", documents.address_of(12))], "limen-roles", tmp_path / "key")
    )
    argv = ["ssh", "-G", "-F", str(config), "web"]
    answer = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert "hostname 10.78.0.12" in answer.splitlines()
    assert "proxycommand ip netns exec limen-roles nc %h %p" in answer.splitlines()
