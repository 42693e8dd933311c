"""A claim with a size that no preview knows: it counts with its upper bound, or is refused without one."""

import pulumi

from pulumi_limen.resources import Image, QuotaClaim

config = pulumi.Config()
host, uri = config.require("host"), config.require("uri")

# What comes out of a resource that is not there yet is unknown.
image = Image(
    "idle",
    {
        "libvirtUri": uri,
        "pool": "default",
        "source": config.require("image"),
        "sha256": config.require("sha256"),
    },
)
disk = {
    "kind": "disk",
    "name": "copy",
    "volume": "default/copy",
    "amounts": {"disk": image.output("capacity").apply(str)},
    "upperBound": {"disk": "16MiB"} if config.get_bool("bound") else None,
}
QuotaClaim(
    "quota",
    {
        "project": pulumi.Config("limen").require("project"),
        "host": host,
        "libvirtUri": uri,
        "items": {"disk:copy": {name: value for name, value in disk.items() if value is not None}},
    },
)
