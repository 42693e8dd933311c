"""Stacks as policies see them, written down: one that is as it should be, and changes of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from limen_policy.kinds import ADMISSION, CLAIM, DOMAIN, IMAGE, VOLUME
from limen_policy.policy import Policy
from limen_policy.resource import Resource, Stack
from limen_provider.properties import UNKNOWN

URI = "qemu:///system"
SHA256 = "ab" * 32
UUID = "930435d8-5fba-5621-a0fb-7079d3a39d5d"


def made(
    of_type: str, called: str, on: Mapping[str, Iterable[Resource]] | None = None, /, **more: Any
) -> Resource:
    """A resource; `on` names what its properties depend on, `protect` and the like are its own fields."""
    fields = {key: more.pop(key) for key in ("protect", "ignored", "provider") if key in more}
    property_dependencies = {key: tuple(each.urn for each in found) for key, found in (on or {}).items()}
    return Resource(
        urn=f"urn:pulumi:dev::test::{of_type}::{called}",
        type=of_type,
        name=called,
        properties=more,
        dependencies=tuple(urn for urns in property_dependencies.values() for urn in urns),
        property_dependencies=property_dependencies,
        **fields,
    )


def claim(**changes: Any) -> Resource:
    """The claim on a VM, its disk and a network."""
    items = {
        "vm:web": {"kind": "vm", "name": "dev-web"},
        "disk:web": {"kind": "disk", "name": "dev-web", "volume": "default/dev-web"},
        "network:lan": {"kind": "network", "name": "dev-lan"},
    }
    return made(CLAIM, "quota", **{"claimId": "c", "project": "web", "items": items, **changes})


def admission(key: str = "vm:web", /, **changes: Any) -> Resource:
    given = {
        "claimId": "c",
        "project": "web",
        "owner": "web/dev",
        "key": key,
        "kind": key.partition(":")[0],
        "libvirtUri": URI,
        "uuid": UUID,
        "vcpus": 2,
        "memory": 1024**3,
        "disk": 8 * 1024**3,
        "imageSha256": SHA256,
    }
    return made(ADMISSION, key, **{**given, **changes})


def image(**changes: Any) -> Resource:
    return made(IMAGE, "debian", **{"sha256": SHA256, "source": "/srv/debian.qcow2", **changes})


def volume(on: Resource | None = None, base: Resource | None = None, **changes: Any) -> Resource:
    """The disk `web` on that Admission, made of that base."""
    given = {"id": UNKNOWN, "name": "dev-web", "pool": "default", "size": 8 * 1024**3}
    behind = {"size": [on]} if on else {}
    if base:
        given["baseVolumeId"] = UNKNOWN
        behind["baseVolumeId"] = [base]
    return made(VOLUME, changes.pop("called", "web"), behind, **{**given, **changes})


def domain(on: Resource | None = None, disk: Resource | None = None, **changes: Any) -> Resource:
    """The VM `web` on that Admission, with that disk."""
    given = {
        "id": UNKNOWN,
        "name": "dev-web",
        "vcpu": 2,
        "memory": 1024,
        "xml": {"xslt": f"<uuid>{UUID}</uuid>"},
        "disks": [{"volumeId": UNKNOWN}] if disk else [],
    }
    behind = {"vcpu": [on], "memory": [on]} if on else {}
    if disk:
        behind["disks"] = [disk]
    return made(DOMAIN, changes.pop("called", "web"), behind, **{**given, **changes})


def found(policy: Policy, *resources: Resource, **settings: Any) -> list[str]:
    """The messages of that policy about a stack of these resources."""
    findings = policy.decide(Stack(resources), {**policy.defaults, **settings})
    return [policy.message(finding) for finding in findings]
