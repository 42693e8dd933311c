"""The resources of the quota model: their names, how they are counted, their order."""

import re
from functools import lru_cache

from limen.quota.errors import InvalidResource

COUNT_RESOURCES = ("vms", "vcpus", "networks", "snapshots")
"""Resources counted in pieces."""

BYTE_RESOURCES = ("memory", "disk")
"""Resources counted in bytes."""

RESOURCES = ("vms", "vcpus", "memory", "disk", "networks", "snapshots")
"""Every resource with a fixed name, in the order in which decisions report; `device:NAME` follow by name."""

DEVICE_PREFIX = "device:"

_RANK = {name: rank for rank, name in enumerate(RESOURCES)}
_DEVICE = re.compile(r"device:[a-z0-9](?:[a-z0-9._-]{0,62})")


@lru_cache(maxsize=1024)
def _known(name: str) -> bool:
    return name in _RANK or _DEVICE.fullmatch(name) is not None


def check_resource(name: object) -> str:
    """Return `name` if it names a resource; raise `InvalidResource` otherwise."""
    if isinstance(name, str) and len(name) <= 128 and _known(name):
        return name
    raise InvalidResource(
        f"{name!a:.60} is not a resource: use one of {', '.join(RESOURCES)}, or device:NAME with a name of "
        "at most 63 lower-case letters, digits, dots, underscores and hyphens"
    )


def is_bytes(resource: str) -> bool:
    """Whether amounts of `resource` are bytes, so that a unit may follow the digits."""
    return resource in BYTE_RESOURCES


def is_host_resource(resource: str) -> bool:
    """Whether a host has a capacity of `resource`; VMs, networks and snapshots as such use none up."""
    return resource in ("vcpus", "memory", "disk") or resource.startswith(DEVICE_PREFIX)


def resource_rank(resource: str) -> tuple[int, str]:
    """Sort key: the canonical order of `RESOURCES`, then devices alphabetically."""
    return (_RANK.get(resource, len(_RANK)), resource)
