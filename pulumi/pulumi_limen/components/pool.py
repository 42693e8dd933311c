"""`limen:index:Pool`: a storage pool. Pools are not charged, the disks in them are."""

import pulumi
import pulumi_libvirt as libvirt

from pulumi_limen.components.context import Context, options
from pulumi_limen.naming import libvirt_name
from pulumi_limen.resources import InPlace
from pulumi_limen.spec.values import PoolSpec


class Pool(pulumi.ComponentResource):
    """A folder (dir), a volume group (lvm), an NFS share, or a pool that is there already.

    `pool_name` is libvirt's name for it. Deleting a dir pool fails while volumes are in it.
    """

    pool_name: pulumi.Output[str]

    def __init__(
        self, name: str, spec: PoolSpec, context: Context, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("limen:index:Pool", name, None, opts)
        own_name = spec.libvirt_name or libvirt_name(context.prefix, name)
        self.pool_name = pulumi.Output.from_input(own_name)
        if spec.type == "nfs":
            share = InPlace(
                "NfsPool",
                name,
                {
                    "libvirtUri": context.libvirt_uri,
                    "name": own_name,
                    "server": spec.server,
                    "export": spec.export,
                    "path": spec.path,
                },
                ("name",),
                options(self, opts),
            )
            self.pool_name = share.output("name")
        elif spec.type != "existing":
            made = libvirt.Pool(
                name,
                name=own_name,
                type="dir" if spec.type == "dir" else "logical",
                source=libvirt.PoolSourceArgs(name=spec.volume_group) if spec.volume_group else None,
                target=libvirt.PoolTargetArgs(
                    path=spec.path if spec.type == "dir" else f"/dev/{spec.volume_group}"
                ),
                opts=options(
                    self,
                    opts,
                    # Space that is used and free changes by itself; the plugin would replace the pool.
                    ignore_changes=["capacity", "allocation", "available"],
                ),
            )
            self.pool_name = made.name
        self.register_outputs({"poolName": self.pool_name})
