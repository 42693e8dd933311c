"""What a stack tells its users: how to reach each VM, and an Ansible inventory."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from limen.ssh_route import proxy_command
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


def way_in(ssh_config: str | None, libvirt_uri: str) -> list[str]:
    """Options of ssh that lead to guests behind their host's NAT.

    `ssh_config` is a file that says how to get to the host's networks. Without one it leads through a host
    that SSH leads to.
    """
    if ssh_config:
        return ["-F", ssh_config]
    proxy = proxy_command(libvirt_uri)
    return ["-o", f"ProxyCommand={proxy}"] if proxy else []


def ssh_command(vm: Mapping[str, Any], options: Sequence[str]) -> str:
    """The command that logs in, with these options; empty while there is no address."""
    return shlex.join(["ssh", *options, f"{vm['user']}@{vm['address']}"]) if vm["address"] else ""


def inventory(vms: Mapping[str, Mapping[str, Any]], group: str, options: Sequence[str]) -> dict[str, Any]:
    """An Ansible inventory in its YAML plugin's structure, all VMs in one group; also valid as JSON.

    `options` are those of ssh.
    """
    arguments = {"ansible_ssh_common_args": shlex.join(options)} if options else {}
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
