"""Every error of a specification is reported with its path, all of them at once."""

from collections.abc import Mapping
from typing import Any

import pytest

from pulumi_limen.spec.document import parse
from pulumi_limen.spec.problems import InvalidSpec
from tests.bad_amounts import BAD_COUNTS, BAD_NUMBERS, BAD_TEXT, BAD_VALUES
from tests.unit.sdk.documents import good, spoilt

WEB = "vms/web-1"


def errors(document: Mapping[str, Any]) -> dict[str, str]:
    """Path -> messages of what `parse` refuses; empty if it takes the document."""
    found: dict[str, str] = {}
    try:
        parse(document)
    except InvalidSpec as error:
        for problem in error.problems:
            found[problem.path] = f"{found.get(problem.path, '')}{problem.message}\n"
    return found


def test_the_good_document_has_no_errors() -> None:
    assert errors(good()) == {}


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        (f"{WEB}/memmory", "1GiB", "vms.web-1.memmory", "did you mean `memory`?"),
        (f"{WEB}/memory", "512 MiB", "vms.web-1.memory", "such as 512MiB"),
        (f"{WEB}/memory", "1048577B", "vms.web-1.memory", "whole number of MiB"),
        (f"{WEB}/disk", "1B", "vms.web-1.disk", "whole number of MiB"),
        (f"{WEB}/vcpus", 0, "vms.web-1.vcpus", "at least 1"),
        (f"{WEB}/hostname", "Web_1", "vms.web-1.hostname", "RFC 1123"),
        (f"{WEB}/hostname", "web-2", "vms.web-2.hostname", "called web-2"),
        (f"{WEB}/networks/0/network", "lam", "vms.web-1.networks[0]", "declared are lan, wire"),
        (f"{WEB}/networks/0/address", "10.21.0.10", "vms.web-1.networks[0].address", "outside 10.20.0.0/24"),
        (f"{WEB}/networks/0/address", "10.20.0.1", "vms.web-1.networks[0].address", "host's own"),
        (f"{WEB}/networks/0/address", "10.20.0.0", "vms.web-1.networks[0].address", "first address"),
        (f"{WEB}/networks/0/address", "10.20.0.255", "vms.web-1.networks[0].address", "broadcast"),
        (f"{WEB}/networks/0/address", "10.20.0.010", "vms.web-1.networks[0].address", "not an IPv4"),
        (f"{WEB}/networks/0/mac", "01:00:00:00:00:01", "vms.web-1.networks[0].mac", "unicast"),
        (f"{WEB}/networks/0/mac", "52-54-00-00-00-01", "vms.web-1.networks[0].mac", "unicast"),
        (f"{WEB}/networks/0/adress", "x", "vms.web-1.networks[0].adress", "did you mean `address`?"),
        (f"{WEB}/disks", ["data", "data"], "vms.web-1.disks[1]", "destroy"),
        (f"{WEB}/disks", ["dato"], "vms.web-1.disks[0]", "declared are data"),
        (f"{WEB}/disks", [{"disk": "data", "target": "vda"}], "vms.web-1.disks[0].target", "vdb to vdz"),
        (f"{WEB}/disks", 7, "vms.web-1.disks", "7 is not a list"),
        (f"{WEB}/image", "debin", "vms.web-1.image", "declared are debian"),
        (f"{WEB}/pool", "fast", "vms.web-1.pool", "unknown pool"),
        (f"{WEB}/ssh_keys", ["AAAA"], "vms.web-1.ssh_keys[0]", "public key"),
        (f"{WEB}/tags", {"Role": "x"}, "vms.web-1.tags.Role", "beginning with a letter"),
        (f"{WEB}/tags", {"role": 7}, "vms.web-1.tags.role", "7 is not text"),
        (f"{WEB}/tags", {"role": "a\nb"}, "vms.web-1.tags.role", "printable"),
        (f"{WEB}/tags", {"role": "x" * 256}, "vms.web-1.tags.role", "255"),
        (f"{WEB}/tags", ["role"], "vms.web-1.tags", "not a mapping"),
        (f"{WEB}/user_data", "packages: []", "vms.web-1.user_data", "#cloud-config"),
        (f"{WEB}/user_data", "#cloud-config\n{", "vms.web-1.user_data", "not YAML"),
        (f"{WEB}/max_memory", "256MiB", "vms.web-1.max_memory", "below memory"),
        (f"{WEB}/initrd", "/boot/initrd", "vms.web-1.initrd", "needs a `kernel`"),
        (f"{WEB}/kernel", "vmlinuz", "vms.web-1.kernel", "absolute path"),
        (f"{WEB}/autostart", "yes", "vms.web-1.autostart", "true or false"),
        (f"{WEB}/firmware", "efi", "vms.web-1.firmware", "none of bios, uefi"),
        (f"{WEB}/key", "web-2", "vms.web-2", "vm:web-2"),
        ("vms/Web", {}, "vms.Web", "will not do as a name"),
        ("vms/web-3", {"vcpus": 1}, "vms.web-3", "`memory` is missing"),
        ("vms/web-3", 3, "vms.web-3", "not a mapping"),
        ("vm", {}, "vm", "did you mean `vms`?"),
        ("networks/lan/cidr", "10.20.0.5/24", "networks.lan.cidr", "not an IPv4 network"),
        ("networks/lan/cidr", "10.20.0.0/31", "networks.lan.cidr", "too small"),
        ("networks/lan/mode", "nt", "networks.lan.mode", "none of nat"),
        ("networks/lan/hosts", {"a_b": "10.20.0.9"}, "networks.lan.hosts.a_b", "RFC 1123"),
        ("networks/wire/cidr", "10.9.0.0/24", "networks.wire.cidr", "run by others"),
        ("networks/wire/bridge", "", "networks.wire.bridge", "host's bridge"),
        ("networks/lan/vlan", 7, "networks.lan.vlan", "only for mode `bridge`"),
        ("networks/wire/vlan", 4095, "networks.wire.vlan", "VLAN tag"),
        ("disks/data/size", "0GiB", "disks.data.size", "at least 1"),
        ("disks/data/image", "debin", "disks.data.image", "unknown image"),
        ("disks/web-1-root", {"size": "1GiB"}, "vms.web-1", "disk:web-1-root"),
        ("images/debian/sha256", "abc", "images.debian.sha256", "sha256sum"),
        ("pools/fast", {"type": "lvm"}, "pools.fast.volume_group", "needs it"),
        ("pools/fast", {"type": "dir", "path": "x"}, "pools.fast.path", "absolute path"),
    ],
)
def test_an_error_is_reported_with_its_path(path: str, value: object, where: str, words: str) -> None:
    found = errors(spoilt(path, value))
    assert where in found, found
    assert words in found[where]


def test_two_guests_cannot_have_one_address_mac_or_disk() -> None:
    document = good()
    document["vms"]["web-2"] |= {
        "disks": ["data"],
        "networks": [{"network": "lan", "address": "10.20.0.10", "mac": "52:54:00:00:00:01"}],
    }
    document["vms"]["web-1"]["networks"][0]["mac"] = "52:54:00:00:00:01"
    assert set(errors(document)) == {
        "vms.web-2.disks[0]",
        "vms.web-2.networks[0].mac",
        "vms.web-2.networks[0].address",
    }


def test_an_image_is_not_put_into_a_pool_that_goes_with_the_stack() -> None:
    document = good() | {"pools": {"own": {"type": "dir", "path": "/srv/own"}, "vms": {"type": "existing"}}}
    [image] = document["images"]
    document["images"][image]["pool"] = "own"
    assert set(errors(document)) == {f"images.{image}.pool"}
    document["images"][image]["pool"] = "vms"
    assert not errors(document)


def test_an_lvm_pool_takes_raw_disks_only() -> None:
    document = good() | {"pools": {"fast": {"type": "lvm", "volume_group": "vg0"}}}
    document["disks"]["data"] |= {"pool": "fast"}
    document["vms"]["web-1"]["pool"] = "fast"
    assert set(errors(document)) == {"disks.data.format", "vms.web-1.pool"}
    document["disks"]["data"]["format"] = "raw"
    del document["vms"]["web-1"]["pool"]
    assert errors(document) == {}


def test_all_errors_come_at_once_and_say_that_nothing_was_changed() -> None:
    document = spoilt(f"{WEB}/memory", "1G")
    document["vms"]["web-2"]["hostname"] = "-"
    document["networks"]["lan"]["cidr"] = "nowhere"
    with pytest.raises(InvalidSpec) as caught:
        parse(document)
    lines = str(caught.value).splitlines()
    assert lines[0] == "The specification has 3 errors; nothing was changed:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "networks.lan.cidr",
        "vms.web-1.memory",
        "vms.web-2.hostname",
    ]


@pytest.mark.parametrize(
    "value", [*BAD_TEXT, *BAD_NUMBERS, *(each for each in BAD_VALUES if each is not None)]
)
@pytest.mark.parametrize("field", ["memory", "disk", "max_memory"])
def test_every_way_to_write_a_bad_amount_is_refused(field: str, value: object) -> None:
    assert f"vms.web-1.{field}" in errors(spoilt(f"{WEB}/{field}", value))


@pytest.mark.parametrize("value", [*BAD_TEXT, *BAD_COUNTS, *BAD_NUMBERS])
def test_a_count_has_no_unit(value: object) -> None:
    assert "vms.web-1.vcpus" in errors(spoilt(f"{WEB}/vcpus", value))
