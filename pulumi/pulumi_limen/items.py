"""A specification as items of the claim: everything that is charged."""

from typing import Any

from pulumi_limen.components.context import written
from pulumi_limen.naming import libvirt_name
from pulumi_limen.spec.storage import DEFAULT_POOL
from pulumi_limen.spec.values import DiskSpec, StackSpec


def claim_items(spec: StackSpec, prefix: str) -> dict[str, dict[str, Any]]:
    """Items by key, as the input `items` of a QuotaClaim."""
    items: dict[str, dict[str, Any]] = {}
    for network in spec.networks.values():
        if network.libvirt_name is None:
            items[f"network:{network.key}"] = {
                "kind": "network",
                "name": libvirt_name(prefix, network.name),
                "amounts": written({"networks": 1}),
            }
    for disk in (*spec.disks.values(), *(vm.root for vm in spec.vms.values())):
        items[f"disk:{disk.key}"] = {
            "kind": "disk",
            "name": libvirt_name(prefix, disk.name),
            "volume": f"{pool_name(spec, disk, prefix)}/{libvirt_name(prefix, disk.name)}",
            "amounts": written({"disk": disk.size}),
        }
    for vm in spec.vms.values():
        items[f"vm:{vm.key}"] = {
            "kind": "vm",
            "name": libvirt_name(prefix, vm.name),
            "amounts": written({"vms": 1, "vcpus": vm.vcpus, "memory": vm.memory}),
        }
    return items


def pool_name(spec: StackSpec, disk: DiskSpec, prefix: str) -> str:
    """What libvirt calls the disk's pool."""
    pool = spec.pools.get(disk.pool)
    if pool is None:
        return DEFAULT_POOL
    return pool.libvirt_name or libvirt_name(prefix, pool.name)
