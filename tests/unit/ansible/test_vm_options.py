"""Options of the module vm: what is meant, and what is refused before anything is touched."""

import json
from typing import Any

import pytest
from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.vm_model import Wanted
from ansible_collections.limen.platform.plugins.module_utils.vm_options import arguments, wanted_vms

MIB = 2**20
DISK = {"name": "root", "size": "8MiB", "pool": "default", "image": None, "bus": "virtio", "format": "qcow2"}
CARD = {"network": "lan", "bridge": None, "mac": None, "model": "virtio"}


def options(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(arguments()), "name": None, "vms": None, **given}


def one(**given: Any) -> Wanted:
    (found,) = wanted_vms(options(**{"name": "web", "project": "demo", **given}))
    return found


def test_what_is_meant_where_nothing_is_said() -> None:
    vm = one()
    assert (vm.state, vm.allow_restart, vm.force, vm.shutdown_seconds) == ("running", False, False, 120)
    assert (vm.vcpus, vm.memory, vm.cards, vm.tags, vm.seed) == (None, None, None, None, None)


def test_an_entry_goes_before_the_task() -> None:
    entries = [options(name="a"), options(name="b", state="stopped", memory="32MiB")]
    a, b = wanted_vms(options(vms=entries, project="demo", state="paused", memory="64MiB", vcpus=2))
    assert (a.state, a.memory, a.vcpus, a.project) == ("paused", 64 * MIB, 2, "demo")
    assert (b.state, b.memory, b.vcpus) == ("stopped", 32 * MIB, 2)


def test_a_disk_is_named_after_its_vm() -> None:
    (disk,) = one(disks=[{**DISK, "image": "debian.qcow2"}]).disks
    assert (disk.key, disk.identity) == ("disk:web-root", "default/web-root")
    assert (disk.size, disk.image) == (8 * MIB, "default/debian.qcow2")


def test_keys_become_user_data_that_nobody_sees() -> None:
    seed = one(ssh_keys=["ssh-ed25519 AAAA me"], disks=[{**DISK, "pool": "fast"}]).seed
    assert seed is not None
    assert seed.pool == "fast"
    assert json.loads(seed.user_data.partition("\n")[2])["ssh_authorized_keys"] == ["ssh-ed25519 AAAA me"]
    assert "AAAA" not in repr(seed)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": "../etc"}, "is not the name of a VM"),
        ({"project": None}, "needs a project"),
        ({"project": "Demo"}, "is not a project name"),
        ({"memory": "1000"}, "must be whole KiB"),
        ({"vcpus": 4097}, "must be from 1 to 4096"),
        ({"max_vcpus": 2}, "max_vcpus of web goes with vcpus"),
        ({"memory": "64MiB", "max_memory": "32MiB"}, "and is not below it"),
        ({"disks": [DISK, {**DISK, "name": "ROOT"}]}, "more than once: root"),
        ({"disks": [{**DISK, "image": "a", "format": "raw"}]}, "its format must be qcow2"),
        ({"disks": [{**DISK, "pool": "a/b"}]}, "is not the name of a pool"),
        ({"networks": [{**CARD, "mac": "01:00:00:00:00:00"}]}, "is not the MAC address of a card"),
        ({"tags": {"Role": "a"}}, "is not the name of a tag"),
        ({"tags": {"role": "a\nb"}}, "must be text of one line"),
        ({"user_data": "#cloud-config", "ssh_keys": ["k"]}, "write the keys into user_data"),
        ({"shutdown_seconds": -1}, "must not be negative"),
        ({"xml": "nonsense"}, "xml can't be parsed"),
    ],
)
def test_what_can_not_be_right_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        one(**given)


def test_every_mistake_of_a_list_is_told_at_once() -> None:
    entries = [options(name="a", vcpus=0), options(name="b"), options(name="b"), options(name="-")]
    with pytest.raises(InvalidInput) as refused:
        wanted_vms(options(vms=entries, project="demo"))
    for part in ("vms[0]: vcpus of a", "vms[3]: '-' is not the name", "more than once: b"):
        assert part in str(refused.value)
