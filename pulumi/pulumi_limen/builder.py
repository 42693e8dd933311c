"""Registers a specification: pools, images, networks and disks, then the VMs that use them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from pulumi_limen import outputs
from pulumi_limen.components.context import Context
from pulumi_limen.components.disk import Disk
from pulumi_limen.components.network import Network
from pulumi_limen.components.pool import Pool
from pulumi_limen.components.virtual_machine import Surroundings, VirtualMachine
from pulumi_limen.naming import libvirt_name
from pulumi_limen.resources import Image
from pulumi_limen.spec.storage import DEFAULT_POOL
from pulumi_limen.spec.values import StackSpec, VmSpec

Options = Mapping[tuple[str, str], pulumi.ResourceOptions | None]


@dataclass(frozen=True)
class Built:
    """The components by name. `vms` and `quota` are the stack's outputs of those names."""

    networks: Mapping[str, Network]
    pools: Mapping[str, Pool]
    disks: Mapping[str, Disk]
    machines: Mapping[str, VirtualMachine]
    vms: pulumi.Output[Any]
    quota: pulumi.Output[Any]


def build(spec: StackSpec, context: Context, opts: Options) -> Built:
    """Register everything; `opts` are the resource options of (section, name)."""
    pools = {name: Pool(name, each, context, opts.get(("pools", name))) for name, each in spec.pools.items()}
    pool_names = {DEFAULT_POOL: pulumi.Output.from_input(DEFAULT_POOL)}
    pool_names |= {name: pool.pool_name for name, pool in pools.items()}
    images = {
        name: (
            Image(
                name,
                {
                    "libvirtUri": context.libvirt_uri,
                    "pool": pool_names[each.pool],
                    "source": each.source,
                    "sha256": each.sha256,
                },
                opts.get(("images", name)),
            ),
            each.sha256,
        )
        for name, each in spec.images.items()
    }
    networks = {
        name: Network(each.key, each, context, opts.get(("networks", name)))
        for name, each in spec.networks.items()
    }
    disks = {
        name: Disk(
            each.key,
            each,
            context,
            pool_names[each.pool],
            images[each.image] if each.image else None,
            opts.get(("disks", name)),
        )
        for name, each in spec.disks.items()
    }
    around = Surroundings(
        networks={name: (spec.networks[name], network) for name, network in networks.items()},
        pools=pool_names,
        images=images,
        disks=disks,
    )
    machines = {
        name: VirtualMachine(each, context, around, opts.get(("vms", name)))
        for name, each in spec.vms.items()
    }
    return Built(
        networks, pools, disks, machines, _vms(spec, context, machines), context.claim.output("charge")
    )


def _vms(spec: StackSpec, context: Context, machines: Mapping[str, VirtualMachine]) -> pulumi.Output[Any]:
    if not machines:
        # Of nothing at all, `Output.all` makes a list.
        return pulumi.Output.from_input({})
    return pulumi.Output.all(**{name: _entry(spec.vms[name], context, vm) for name, vm in machines.items()})


def _entry(spec: VmSpec, context: Context, vm: VirtualMachine) -> pulumi.Output[dict[str, Any]]:
    name = libvirt_name(context.prefix, spec.name)
    return pulumi.Output.all(context.claim.output("hostUuid"), vm.address, vm.uuid).apply(
        lambda found: outputs.machine(spec, address=found[1], uuid=found[2], host=found[0], libvirt_name=name)
    )
