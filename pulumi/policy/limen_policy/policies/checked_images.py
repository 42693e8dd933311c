"""Only images with a checksum: what a VM boots from is the file that somebody looked at."""

import re
from collections.abc import Iterator
from typing import Any

from limen_policy import traversal
from limen_policy.kinds import DOMAIN, IMAGE, VOLUME
from limen_policy.policy import Finding, Policy, Settings, unjudged
from limen_policy.resource import Resource, Stack
from limen_provider.properties import UNKNOWN

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_BASES = ("baseVolumeId", "baseVolumeName")


def decide(stack: Stack, settings: Settings) -> Iterator[Finding]:
    """Images, and disks made of something, whose content nobody vouches for."""
    for image in stack.of_type(IMAGE):
        yield from _image(image, settings["sources"])
    for volume in stack.of_type(VOLUME):
        yield from _volume(stack, volume)
    for domain in stack.of_type(DOMAIN):
        yield from _domain(domain)


def _image(image: Resource, sources: list[str]) -> Iterator[Finding]:
    sha256, source = image.get("sha256"), image.get("source")
    if sha256 is UNKNOWN:
        yield unjudged(image, "sha256")
    elif not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        yield Finding(image, "is an image without a SHA-256")
    if sources and source is UNKNOWN:
        yield unjudged(image, "source")
    elif sources and not str(source).startswith(tuple(sources)):
        yield Finding(image, f"comes from none of {', '.join(sources)}")


def _volume(stack: Stack, volume: Resource) -> Iterator[Finding]:
    if volume.get("source"):
        yield Finding(volume, "is filled from `source`, which has no checksum")
    for name in _BASES:
        if traversal.settled(volume, name):
            continue
        # Another volume of the stack is judged by itself.
        bases = stack.behind(volume, IMAGE, VOLUME, by=name)
        if volume.get(name) and not bases:
            yield Finding(volume, f"is made of a `{name}` that is no image of this stack")
        for image in bases:
            if image.type == IMAGE:
                yield from _admitted(stack, volume, image)


def _admitted(stack: Stack, volume: Resource, image: Resource) -> Iterator[Finding]:
    """The Admission carries the checksum of the image that the disk is made of."""
    for admission in traversal.admissions(stack, volume):
        named, sha256 = admission.get("imageSha256"), image.get("sha256")
        if UNKNOWN in (named, sha256):
            yield unjudged(volume, "imageSha256", admission)
        elif _lower(named) != _lower(sha256):
            what = "another checksum than" if named else "no checksum of"
            yield Finding(volume, f"is made of {image.name}, but {admission.name} names {what} that image")


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _domain(domain: Resource) -> Iterator[Finding]:
    disks = domain.get("disks")
    if traversal.settled(domain, "disks") or not isinstance(disks, list):
        return
    for index, disk in enumerate(disks):
        for name in ("url", "file") if isinstance(disk, dict) else ():
            if disk.get(name):
                yield Finding(domain, f"has a disk from `disks[{index}].{name}`, which has no checksum")


POLICY = Policy(
    name="checked-images",
    description="Disks are made of images with a SHA-256.",
    severity="high",
    decide=decide,
    remedy="Bring the file as limen:index:Image with its sha256, and name that in the disk's Admission.",
    own_schema={
        "sources": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "how the paths and URLs of images may begin; empty: any",
        }
    },
)
