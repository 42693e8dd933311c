"""No data disk without `protect`: no change of a program may delete what people wrote."""

from collections.abc import Iterator

from limen_policy import traversal
from limen_policy.kinds import DOMAIN, VOLUME
from limen_policy.policy import Finding, Policy, Settings, unjudged
from limen_policy.resource import Resource, Stack
from limen_provider.properties import UNKNOWN

_BASES = ("baseVolumeId", "baseVolumeName", "source")


def decide(stack: Stack, settings: Settings) -> Iterator[Finding]:
    """Volumes that `pulumi destroy` would delete though they hold data."""
    roots = {root.urn for vm in stack.of_type(DOMAIN) for root in stack.behind(vm, VOLUME, by="disks")}
    for volume in stack.of_type(VOLUME):
        root = volume.urn in roots and _has_base(volume)
        if volume.protect or (root and not settings["roots"]):
            continue
        projects = [traversal.project(stack, each) for each in traversal.admissions(stack, volume)]
        if settings["sandboxes"] and UNKNOWN in projects:
            yield unjudged(volume, "project")
        elif not projects or projects[0] not in settings["sandboxes"]:
            kind = "root disk" if root else "data disk"
            yield Finding(volume, f"is a {kind} without protection: `pulumi destroy` would delete it")


def _has_base(volume: Resource) -> bool:
    """Whether it was made from an image, and so can be made again."""
    return any(volume.get(name) or name in volume.property_dependencies for name in _BASES)


POLICY = Policy(
    name="protected-data-disks",
    description="Data disks are protected from deletion.",
    severity="high",
    decide=decide,
    remedy="Leave `keep` of the disk at its default, true, or give the volume protect=True.",
    own_schema={
        "sandboxes": {
            "type": "array",
            "items": {"type": "string"},
            # What `make up` makes, `make down` has to be able to take away.
            "default": ["demo"],
            "description": "projects whose data disks need no protection",
        },
        "roots": {
            "type": "boolean",
            "default": False,
            "description": "whether the root disks of VMs need protection too",
        },
    },
)
