"""What a specification without errors means."""

from ipaddress import IPv4Address

from pulumi_limen.items import claim_items
from pulumi_limen.spec.document import parse
from tests.unit.sdk.documents import good, spoilt


def test_text_and_numbers_mean_the_same_amounts() -> None:
    spec = parse(good())
    assert spec.vms["web-1"].memory == spec.vms["web-2"].memory == 512 * 2**20
    assert spec.vms["web-2"].vcpus == 2
    assert spec.vms["web-1"].root.size == 4 * 2**30


def test_what_is_left_out_follows_from_the_rest() -> None:
    vm = parse(good()).vms["web-1"]
    assert (vm.key, vm.hostname, vm.user, vm.max_memory) == ("web-1", "web-1", "debian", vm.memory)
    assert (vm.disks[0].disk, vm.disks[0].target) == ("data", "vdb")
    assert vm.nics[0].address == IPv4Address("10.20.0.10")


def test_data_disks_are_protected_and_root_disks_are_not() -> None:
    spec = parse(spoilt("disks/other", {"size": "1GiB"}))
    assert spec.disks["other"].keep
    assert not spec.vms["web-1"].root.keep


def test_a_kernel_of_the_image_goes_with_its_guests() -> None:
    document = spoilt("images/debian/kernel", "/boot/vmlinuz")
    document["images"]["debian"] |= {"initrd": "/boot/initrd", "cmdline": "root=/dev/vda"}
    document["vms"]["web-2"]["firmware"] = "uefi"
    spec = parse(document)
    assert (spec.vms["web-1"].kernel, spec.vms["web-1"].cmdline) == ("/boot/vmlinuz", "root=/dev/vda")
    assert spec.vms["web-2"].kernel is spec.vms["web-2"].cmdline is None


def test_empty_text_counts_as_absent() -> None:
    vm = parse(spoilt("images/debian/kernel", "")).vms["web-1"]
    assert vm.kernel is None


def test_the_claim_holds_every_vm_disk_and_network_that_is_made() -> None:
    document = spoilt("networks/shared", {"mode": "existing", "libvirt_name": "default"})
    items = claim_items(parse(document), "dev")
    assert set(items) == {
        *("network:lan", "network:wire", "disk:data", "disk:web-1-root", "disk:web-2-root"),
        *("vm:web-1", "vm:web-2"),
    }
    assert items["vm:web-1"] == {
        "kind": "vm",
        "name": "dev-web-1",
        "amounts": {"vms": "1", "vcpus": "1", "memory": "512MiB"},
    }
    assert items["disk:data"]["volume"] == "default/dev-data"


def test_a_renamed_vm_with_its_old_key_keeps_item_and_disk() -> None:
    document = good()
    document["vms"]["web-9"] = document["vms"].pop("web-1") | {"key": "web-1"}
    items = claim_items(parse(document), "dev")
    assert items["vm:web-1"]["name"] == "dev-web-9"
    assert items["disk:web-1-root"]["volume"] == "default/dev-web-1-root"
