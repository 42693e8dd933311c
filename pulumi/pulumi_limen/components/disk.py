"""`limen:index:Disk`: a volume, charged with its virtual capacity."""

import pulumi
import pulumi_libvirt as libvirt

from pulumi_limen.components.context import Context, admit, options
from pulumi_limen.naming import libvirt_name
from pulumi_limen.resources import Image, InPlace
from pulumi_limen.spec.values import DiskSpec


class Disk(pulumi.ComponentResource):
    """A disk of its own: it outlives the VMs that it is attached to.

    It grows in place. Nothing but another name, pool or format, or a raised `rebuild`, makes a new one;
    with `keep` it is protected from that and from deletion.
    """

    pool_name: pulumi.Output[str]
    volume_name: pulumi.Output[str]
    volume_id: pulumi.Output[str]
    volume: libvirt.Volume

    def __init__(
        self,
        name: str,
        spec: DiskSpec,
        context: Context,
        pool_name: pulumi.Input[str],
        image: tuple[Image, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`image` is the base image with its SHA-256."""
        super().__init__("limen:index:Disk", name, None, opts)
        base, sha256 = image or (None, None)
        admission = admit(context, f"disk:{spec.key}", {"disk": spec.size}, options(self, opts), sha256)
        self.pool_name = pulumi.Output.from_input(pool_name)
        self.volume = libvirt.Volume(
            spec.key,
            name=libvirt_name(context.prefix, spec.name),
            pool=pool_name,
            size=admission.output("disk"),
            format=spec.format,
            base_volume_id=base.output("volumeId") if base else None,
            opts=options(
                self,
                opts,
                protect=spec.keep or None,
                delete_before_replace=True,
                # Grown by VolumeSize. A newer image is for new disks: this one holds data.
                ignore_changes=["size", "baseVolumeId"],
                replacement_trigger=f"rebuild {spec.rebuild}",
            ),
        )
        self.volume_name, self.volume_id = self.volume.name, self.volume.id
        InPlace(
            "VolumeSize",
            spec.key,
            {
                "libvirtUri": context.libvirt_uri,
                "pool": self.volume.pool,
                "name": self.volume.name,
                "size": admission.output("disk"),
            },
            opts=options(self, opts, replace_with=[self.volume], depends_on=[self.volume]),
        )
        self.register_outputs({"poolName": self.pool_name, "volumeName": self.volume_name})
