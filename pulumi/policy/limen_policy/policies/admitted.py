"""Every libvirt resource hangs on an Admission: its own, of this stack's claim, at its size, on its host.

Exempt by default are storage pools alone: nothing is charged for one, the disks in it are admitted each by
itself. There is no exemption for base images: a stack brings them by `limen:index:Image`, and they belong to
the host; a libvirt volume is a disk of its project, whatever it holds.
"""

from collections import defaultdict
from collections.abc import Iterator

from limen_policy import admission_checks, traversal
from limen_policy.kinds import CHARGEABLE, LIBVIRT, MEDIA, POOL
from limen_policy.policy import Finding, Policy, Settings
from limen_policy.resource import Resource, Stack


def decide(stack: Stack, settings: Settings) -> Iterator[Finding]:
    """Everything that is built, or made larger, without being admitted as what it is."""
    hung: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for resource in stack.resources:
        chargeable = resource.type.startswith(LIBVIRT) or resource.type in CHARGEABLE
        if not chargeable or resource.type in settings["exempt"]:
            continue
        found = traversal.admissions(stack, resource)
        if not found:
            rule = CHARGEABLE.get(resource.type)
            kind = f" of kind {rule.kind}" if rule else ""
            yield Finding(resource, f"hangs on no Admission{kind}, so nobody admitted it")
        elif len(found) > 1 and resource.type in CHARGEABLE:
            names = ", ".join(each.name for each in found)
            yield Finding(resource, f"hangs on {len(found)} Admissions ({names}), but one thing has one")
        else:
            hung[resource.type, found[0].urn].append(resource)
            yield from admission_checks.judge(stack, resource, found[0])
    yield from _shared(hung)


def _shared(hung: dict[tuple[str, str], list[Resource]]) -> Iterator[Finding]:
    """One Admission admits one thing. A VM may have more than one medium."""
    for (kind, _), resources in hung.items():
        for each in resources if kind not in MEDIA else ():
            if others := ", ".join(other.name for other in resources if other is not each):
                yield Finding(each, f"shares its Admission with {others}, but one Admission admits one thing")


POLICY = Policy(
    name="admitted",
    description="Every libvirt resource hangs on an Admission of its own, at its size.",
    severity="critical",
    decide=decide,
    remedy="Declare it with pulumi_limen, or take its name, size and UUID from a limen:index:Admission.",
    own_schema={
        "exempt": {
            "type": "array",
            "items": {"type": "string"},
            "default": [POOL],
            "description": "types that need no Admission",
        }
    },
)
