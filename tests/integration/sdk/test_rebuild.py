"""A running VM that is built anew: what hangs on it goes and comes with it."""

import os
from pathlib import Path

from tests.integration.sdk.conftest import PROJECT
from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Stack
from tests.world.world import World

NETWORKS = guests.networks(74, "lan")


def root_disk(world: World, name: str) -> Path:
    """The file of a VM's root disk."""
    [path] = [disk.path for disk in world.domains()[name].disks if disk.target == "vda"]
    assert path is not None
    return Path(path)


def test_rebuild_begins_again_with_a_fresh_root_disk_and_the_old_data_disk(
    roomy: World, stack: Stack
) -> None:
    disks = {"data": {"size": "4MiB", "keep": False}}
    document = roomy.document({"web": guests.vm(disks=["data"])}, networks=NETWORKS, disks=disks)
    stack.configure(document, PROJECT)
    stack.up().require()
    name = f"{stack.name}-web"
    before, old = roomy.domains()[name], os.stat(root_disk(roomy, name))
    [data] = [disk.path for disk in before.disks if disk.target == "vdb"]

    document["vms"]["web"]["rebuild"] = 1
    stack.configure(document, PROJECT)
    stack.up().require()

    after, new = roomy.domains()[name], os.stat(root_disk(roomy, name))
    assert (after.uuid, after.state) == (before.uuid, "running")
    assert (new.st_ino, new.st_ctime_ns) != (old.st_ino, old.st_ctime_ns)
    assert [disk.path for disk in after.disks if disk.target == "vdb"] == [data]
    assert len(after.interfaces) == 1
    agree(roomy, stack)
