"""What a specification registers: structure, options, and what is built from what was admitted."""

import pytest

from tests.unit.sdk.conftest import CLAIM, HOST, ITEM, Program
from tests.unit.sdk.documents import good, spoilt

DOMAIN = ("libvirt:index/domain:Domain", "web-1")
VOLUME = "libvirt:index/volume:Volume"


def test_nothing_is_registered_while_the_specification_is_wrong(program: Program) -> None:
    found = program.build(spoilt("vms/web-1/memory", "1G"))
    assert "vms.web-1.memory" in found.failure
    assert not found.inputs


def test_a_missing_uri_is_reported_with_the_other_errors(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI")
    found = program.build(spoilt("vms/web-1/memory", "1G"))
    assert "libvirt:uri: is not set" in found.failure
    assert "vms.web-1.memory" in found.failure


def test_the_names_on_the_host_begin_with_the_stacks_or_with_the_one_that_is_configured(
    program: Program,
) -> None:
    values = {"limen:project": "demo", **{f"vm_stack:{key}": value for key, value in good().items()}}
    assert program.configured(values).inputs[DOMAIN]["name"] == "dev-web-1"
    found = program.configured({**values, "limen:name": "blue"})
    assert found.inputs[DOMAIN]["name"] == "blue-web-1"
    claimed = found.inputs["limen:index:QuotaClaim", "quota"]["items"]
    assert {item["name"] for item in claimed.values()} >= {"blue-web-1", "blue-lan"}


def test_every_charged_thing_has_an_admission_that_depends_on_the_claim(program: Program) -> None:
    found = program.build(good())
    items = found.inputs["limen:index:QuotaClaim", "quota"]["items"]
    assert found.inputs["limen:index:QuotaClaim", "quota"]["host"] == HOST
    assert found.names("limen:index:Admission") == set(items)
    for key in items:
        request = found.requests["limen:index:Admission", key]
        assert any(urn.endswith("::quota") for urn in request.dependencies), key
        assert found.inputs["limen:index:Admission", key]["claimId"] == CLAIM


def test_sizes_come_from_what_was_admitted_not_from_the_program(program: Program) -> None:
    document = spoilt("vms/web-1/memory", "4GiB")
    document["disks"]["data"]["size"] = "8GiB"
    found = program.build(document)
    assert found.inputs[DOMAIN]["memory"] == 512
    assert found.inputs[VOLUME, "data"]["size"] == 2**30
    assert found.inputs["limen:index:DomainSize", "web-1"]["memory"] == 512 * 2**20


def test_the_domain_carries_identity_and_is_not_replaced_for_what_changes_in_place(program: Program) -> None:
    found = program.build(good())
    assert ITEM in found.inputs[DOMAIN]["xml"]["xslt"]
    request = found.requests[DOMAIN]
    assert {"memory", "vcpu", "disks", "networkInterfaces", "xml"} <= set(request.ignoreChanges)
    assert request.deleteBeforeReplace
    assert [urn.rpartition("::")[2] for urn in request.replace_with] == ["web-1-root"]
    assert "name" not in request.ignoreChanges


def test_a_disk_is_neither_replaced_by_growth_nor_by_a_newer_image(program: Program) -> None:
    found = program.build(good())
    assert set(found.requests[VOLUME, "web-1-root"].ignoreChanges) == {"size", "baseVolumeId"}


def test_only_disks_that_are_to_be_kept_are_protected(program: Program) -> None:
    found = program.build(spoilt("disks/archive", {"size": "1GiB"}))
    protected = {
        name for kind, name in found.requests if kind == VOLUME and found.requests[kind, name].protect
    }
    assert protected == {"archive"}


def test_the_guest_is_shut_down_before_its_disks_and_cards_go(program: Program) -> None:
    """Pulumi deletes dependents first, and deleting DomainSize shuts the guest down."""
    found = program.build(good())
    after = {urn.rpartition("$")[2] for urn in found.requests["limen:index:DomainSize", "web-1"].dependencies}
    assert {"limen:index:DiskAttachment::web-1-vdb", "limen:index:NetworkAttachment::web-1-eth0"} <= after


def test_tags_stand_in_the_metadata_from_the_start_and_are_changed_in_place(program: Program) -> None:
    found = program.build(spoilt("vms/web-1/tags", {"role": "database", "unset": ""}))
    assert "database" in found.inputs[DOMAIN]["xml"]["xslt"]
    kept = found.inputs["limen:index:DomainMetadata", "web-1"]
    assert kept == {
        "libvirtUri": "test:///default",
        "uuid": "web-1-id",
        "owner": "vm_stack/dev",
        "project": "demo",
        "claim": CLAIM,
        "key": "vm:web-1",
        "stack": "vm_stack/dev",
        "tags": {"role": "database"},
    }
    assert "xml" in found.requests[DOMAIN].ignoreChanges
    assert "tags" not in found.inputs["limen:index:DomainMetadata", "web-2"]


def test_devices_go_with_their_domain(program: Program) -> None:
    document = good()
    document["vms"]["web-1"]["networks"] = ["lan"]
    found = program.build(document)
    attached = (("DiskAttachment", "web-1-vdb"), ("NetworkAttachment", "web-1-eth0"))
    for kind, name in (*attached, ("DomainMetadata", "web-1")):
        urn = found.requests[f"limen:index:{kind}", name].deletedWith
        assert urn.rpartition("$")[2] == "libvirt:index/domain:Domain::web-1"


def test_the_guest_is_shut_down_and_its_fixed_address_given_back_all_the_same(program: Program) -> None:
    found = program.build(good())
    for kind, name in (("DomainSize", "web-1"), ("NetworkAttachment", "web-1-eth0")):
        assert not found.requests[f"limen:index:{kind}", name].deletedWith


def test_children_belong_to_their_component(program: Program) -> None:
    found = program.build(good())
    assert found.parent(*DOMAIN) == "web-1"
    assert found.parent("limen:index:Disk", "web-1-root") == "web-1"
    assert found.parent("limen:index:Admission", "network:lan") == "lan"


def test_a_rename_with_the_old_key_registers_the_same_resources(program: Program) -> None:
    before = program.build(good())
    document = good()
    document["vms"]["web-9"] = document["vms"].pop("web-1") | {"key": "web-1"}
    after = program.build(document)
    assert set(after.requests) == set(before.requests)
    assert after.inputs[DOMAIN]["name"] == "dev-web-9"
    assert (
        after.inputs[DOMAIN]["networkInterfaces"][0]["mac"]
        == before.inputs[DOMAIN]["networkInterfaces"][0]["mac"]
    )


def test_a_guest_on_a_bridge_is_asked_for_its_address(program: Program) -> None:
    found = program.build(spoilt("vms/web-1/networks", ["wire"]))
    assert found.inputs[DOMAIN]["qemuAgent"] is True
    assert found.inputs[DOMAIN]["networkInterfaces"][0]["waitForLease"] is True
    silent = spoilt("vms/web-1/networks", ["wire"])
    silent["vms"]["web-1"]["guest_agent"] = False
    assert program.build(silent).inputs[DOMAIN]["networkInterfaces"][0]["waitForLease"] is False
