"""A whole document to a `StackSpec`, with every error in it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pulumi_limen.spec import names
from pulumi_limen.spec.consistency import check_consistency
from pulumi_limen.spec.network import parse_network
from pulumi_limen.spec.problems import Problems, child
from pulumi_limen.spec.reader import Reader
from pulumi_limen.spec.storage import parse_disk, parse_image, parse_pool
from pulumi_limen.spec.structure import check_structure
from pulumi_limen.spec.values import StackSpec
from pulumi_limen.spec.vm import parse_vm

SECTIONS = ("networks", "pools", "images", "disks", "vms")
T = TypeVar("T")


def parse(document: Mapping[str, Any], problems: Problems | None = None) -> StackSpec:
    """The specification in `document`, whose keys are `SECTIONS`.

    `problems` are what was found before. Raises `InvalidSpec` with all of them and everything that is wrong
    here, in the order of the sections.
    """
    problems = problems or Problems()
    check_structure(document, problems)
    networks = _section(document, "networks", parse_network, problems)
    pools = _section(document, "pools", parse_pool, problems)
    images = _section(document, "images", parse_image, problems)
    disks = _section(document, "disks", parse_disk, problems)
    vms = _section(document, "vms", lambda name, reader: parse_vm(name, reader, images), problems)
    spec = StackSpec(networks, pools, images, disks, vms)
    check_consistency(spec, problems)
    problems.finish()
    return spec


def _section(
    document: Mapping[str, Any], section: str, read: Callable[[str, Reader], T], problems: Problems
) -> dict[str, T]:
    entries = document.get(section)
    found: dict[str, T] = {}
    for name, entry in entries.items() if isinstance(entries, Mapping) else ():
        path = child(section, name)
        if not isinstance(name, str) or not names.is_name(name):
            problems.add(path, f"{name!a:.60} will not do as a name: use {names.RULES['name']}")
        found[name] = read(name, Reader(entry, path, problems))
    return found
