"""The documents on a VM's cloud-init medium."""

from collections.abc import Mapping
from typing import Any

import yaml

from pulumi_limen.spec.values import VmSpec


def user_data(vm: VmSpec) -> str:
    """The #cloud-config: Limen's part, then what the specification adds; its keys win, lists are joined."""
    document: dict[str, Any] = {
        "hostname": vm.hostname.partition(".")[0],
        "fqdn": vm.hostname,
        # sudo hangs while a guest cannot resolve its own name.
        "manage_etc_hosts": True,
        "ssh_pwauth": False,
    }
    if vm.ssh_keys:
        document["ssh_authorized_keys"] = list(vm.ssh_keys)
    return "#cloud-config\n" + _yaml(merge(document, vm.user_data or {}))


def meta_data(instance_id: str, vm: VmSpec) -> str:
    """`instance_id` is the VM's UUID: a VM that was built anew runs its first-boot steps again."""
    return _yaml({"instance-id": instance_id, "local-hostname": vm.hostname})


def network_config(macs: tuple[str, ...]) -> str | None:
    """DHCP on every card (version 1: Debian's ENI renderer takes no `match:`); None leaves one card to
    cloud-init's own default."""
    if len(macs) < 2:
        return None
    cards = [
        {"type": "physical", "name": f"eth{index}", "mac_address": mac, "subnets": [{"type": "dhcp"}]}
        for index, mac in enumerate(macs)
    ]
    return _yaml({"version": 1, "config": cards})


def merge(base: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `added` says: mappings are merged, lists joined, anything else replaced."""
    merged = dict(base)
    for key, value in added.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            merged[key] = [*before, *value]
        else:
            merged[key] = value
    return merged


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=True, default_flow_style=False, allow_unicode=True)
