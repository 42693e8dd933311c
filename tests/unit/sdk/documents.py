"""A specification without errors, to be spoilt by tests."""

import copy
from typing import Any

SHA256 = "ab" * 32

_GOOD: dict[str, Any] = {
    "networks": {
        "lan": {"cidr": "10.20.0.0/24", "domain": "demo.internal"},
        "wire": {"mode": "bridge", "bridge": "br0"},
    },
    "images": {"debian": {"source": "/images/debian.qcow2", "sha256": SHA256}},
    "disks": {"data": {"size": "1GiB", "keep": False}},
    "vms": {
        "web-1": {
            "vcpus": 1,
            "memory": "512MiB",
            "image": "debian",
            "disk": "4GiB",
            "disks": ["data"],
            "networks": [{"network": "lan", "address": "10.20.0.10"}],
            "ssh_keys": ["ssh-ed25519 AAAA me"],
        },
        "web-2": {"vcpus": "2", "memory": 536870912, "image": "debian", "disk": "4GiB", "networks": ["lan"]},
    },
}


def good() -> dict[str, Any]:
    """A fresh copy."""
    return copy.deepcopy(_GOOD)


def spoilt(path: str, value: object) -> dict[str, Any]:
    """A copy in which `path` (keys and indexes joined by slashes) holds `value`."""
    document = good()
    *parents, last = path.split("/")
    place: Any = document
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
    place[int(last) if isinstance(place, list) else last] = value
    return document
