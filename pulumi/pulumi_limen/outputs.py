"""What a stack tells its users: how to reach each VM, and an Ansible inventory."""

import shlex
from collections.abc import Mapping
from typing import Any

from pulumi_limen.spec.values import VmSpec


def machine(spec: VmSpec, address: str, uuid: str, host: str, libvirt_name: str) -> dict[str, Any]:
    """One entry of the output `vms`; `address` is "" while there is none."""
    return {
        "address": address,
        "uuid": uuid,
        "host": host,
        "hostname": spec.hostname,
        "libvirtName": libvirt_name,
        "user": spec.user,
    }


def ssh_command(vm: Mapping[str, Any], ssh_config: str | None) -> str:
    """The command that logs in; `ssh_config` is a file that says how to get to the host's networks."""
    if not vm["address"]:
        return ""
    config = ["-F", ssh_config] if ssh_config else []
    return shlex.join(["ssh", *config, f"{vm['user']}@{vm['address']}"])


def inventory(vms: Mapping[str, Mapping[str, Any]], group: str, ssh_config: str | None) -> dict[str, Any]:
    """An Ansible inventory in its YAML plugin's structure, all VMs in one group; also valid as JSON."""
    arguments = {"ansible_ssh_common_args": shlex.join(["-F", ssh_config])} if ssh_config else {}
    hosts = {
        name: {
            "ansible_host": vm["address"],
            "ansible_user": vm["user"],
            **arguments,
            "limen_uuid": vm["uuid"],
        }
        for name, vm in vms.items()
        if vm["address"]
    }
    return {"all": {"children": {group: {"hosts": hosts}}}}


def group_name(stack: str) -> str:
    """Ansible allows letters, digits and underscores in the name of a group."""
    cleaned = "".join(each if each.isalnum() and each.isascii() else "_" for each in stack)
    return cleaned if cleaned[:1].isalpha() else f"stack_{cleaned}"
