"""Whether a domain may start: what libvirt is about to run against what was admitted. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from limen.hypervisor.domain_xml import size_of
from limen.quota.units import format_amount


class Wanted(NamedTuple):
    """The domain that libvirt is about to start; `memory` in bytes, without what only a ceiling allows."""

    uuid: str
    name: str
    vcpus: int
    memory: int


def wanted_of(root: Element) -> Wanted:
    """Out of the XML that libvirt hands to its hook."""
    size = size_of(root)
    uuid = (root.findtext("uuid") or "").strip().lower()
    return Wanted(uuid, root.findtext("name") or "", size.vcpus, size.memory)


def objection(wanted: Wanted, admitted: Mapping[str, Any] | None) -> str | None:
    """Why the domain may not start, None if it may; `admitted` is limen-api's document, None for nobody."""
    # Quoted and escaped: the reason goes to logs and terminals, and a name may hold anything.
    domain = f"domain {wanted.name!a} ({wanted.uuid})"
    if admitted is None:
        return (
            f"{domain} was not admitted on this host: declare it in a stack, or charge it to a project with "
            f"`limen adopt {wanted.uuid} --project PROJECT`"
        )
    larger = [
        f"{format_amount(amount, resource)} {resource} instead of {format_amount(allowed, resource)}"
        for resource, amount in (("vcpus", wanted.vcpus), ("memory", wanted.memory))
        if amount > (allowed := int(admitted["amounts"].get(resource, 0)))
    ]
    if not larger:
        return None
    return (
        f"{domain} is defined larger than was admitted for project {admitted['project']}: "
        f"{', '.join(larger)}. Make it smaller, or have the rest admitted: `limen reconcile` names it"
    )
