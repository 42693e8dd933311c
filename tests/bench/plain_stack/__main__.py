"""The libvirt resources of vm_stack without Limen: no claim, no admissions, nobody asks."""

from typing import Any

import pulumi
import pulumi_libvirt as libvirt

config = pulumi.Config()
networks: dict[str, Any] = config.require_object("networks")
vms: dict[str, Any] = config.require_object("vms")
[image] = config.require_object("images").values()

base = libvirt.Volume("image", name="plain-image", pool="default", source=image["source"], format="qcow2")
made = {
    name: libvirt.Network(
        name,
        name=f"plain-{name}",
        mode="none",
        addresses=[entry["cidr"]],
        dhcp=libvirt.NetworkDhcpArgs(enabled=True),
    )
    for name, entry in networks.items()
}
for name in vms:
    root = libvirt.Volume(
        f"{name}-root", name=f"plain-{name}-root", pool="default", size=8 * 1024**2, base_volume_id=base.id
    )
    domain = libvirt.Domain(
        name,
        name=f"plain-{name}",
        vcpu=1,
        memory=64,
        type="qemu",
        machine="pc",
        disks=[libvirt.DomainDiskArgs(volume_id=root.id)],
        network_interfaces=[
            libvirt.DomainNetworkInterfaceArgs(network_name=each.name) for each in made.values()
        ],
    )
    pulumi.export(name, domain.id)
