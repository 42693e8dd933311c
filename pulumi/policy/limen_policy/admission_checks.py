"""Whether a resource is what its Admission admits: host, item of the claim, identity, sizes."""

from collections.abc import Iterator, Mapping
from typing import Any

from limen_policy import traversal
from limen_policy.kinds import CHARGEABLE, DOMAIN, NETWORK, VOLUME
from limen_policy.policy import Finding, unjudged
from limen_policy.resource import Resource, Stack
from limen_provider.properties import UNKNOWN, reveal


def judge(stack: Stack, resource: Resource, admission: Resource) -> Iterator[Finding]:
    """Everything in which `resource` is not what `admission` admits."""
    yield from _host(resource, admission)
    yield from _item(stack, resource, admission)
    yield from _sizes(stack, resource, admission)
    yield from _target(stack, resource, admission)
    if resource.type in (DOMAIN, NETWORK):
        yield from _identity(resource, admission)
    if resource.type == DOMAIN:
        yield from _disks(stack, resource)


def _host(resource: Resource, admission: Resource) -> Iterator[Finding]:
    """A provider without a URI of its own takes the one that the stack's claim was made with."""
    uri = reveal(resource.provider.get("uri")) or resource.get("libvirtUri")
    admitted = admission.get("libvirtUri")
    if not uri or uri == admitted is not UNKNOWN:
        return
    if UNKNOWN in (uri, admitted):
        yield unjudged(resource, "uri") if uri is UNKNOWN else unjudged(resource, "libvirtUri", admission)
    else:
        yield Finding(
            resource, f"is made by another libvirt than the one that {admission.name} is admitted at"
        )


def _item(stack: Stack, resource: Resource, admission: Resource) -> Iterator[Finding]:
    """The ledger knows a thing by its item: the claim has to call it what it is called."""
    claim, key = traversal.claim(stack, admission), admission.get("key")
    items = claim and claim.get("items")
    if claim is None:
        yield Finding(resource, f"hangs on {admission.name}, which belongs to no claim of this stack")
    elif items is UNKNOWN:
        yield unjudged(resource, "items", claim)
    elif key is UNKNOWN:
        yield unjudged(resource, "key", admission)
    elif not isinstance(item := (items or {}).get(key), dict):
        yield Finding(resource, f"hangs on {admission.name}, but the claim has no item {key}")
    elif resource.type in (DOMAIN, NETWORK, VOLUME):
        yield from _called(resource, admission, item)


def _called(resource: Resource, admission: Resource, item: Mapping[str, Any]) -> Iterator[Finding]:
    """The ledger knows a thing by its name, a volume by that of the pool as well."""
    own, admitted = resource.get("name"), item.get("name")
    if resource.type == VOLUME:
        pool, admitted = resource.get("pool") or "default", item.get("volume")
        own = UNKNOWN if UNKNOWN in (pool, own) else f"{pool}/{own}"
    if UNKNOWN in (own, admitted):
        yield unjudged(resource, "name")
    elif own != admitted:
        yield Finding(
            resource, f"is not called {admitted} on the host, which is what {admission.name} admits"
        )


def _sizes(stack: Stack, resource: Resource, admission: Resource) -> Iterator[Finding]:
    """A size comes from the Admission, or is known not to be larger."""
    rule = CHARGEABLE.get(resource.type)
    for name, (output, unit) in rule.sizes.items() if rule else ():
        wired = admission in stack.behind(resource, admission.type, by=name)
        value, admitted = resource.get(name), admission.get(output)
        if wired and (value is UNKNOWN or traversal.settled(resource, name)):
            continue
        if value is UNKNOWN:
            yield unjudged(resource, name)
        elif admitted is UNKNOWN:
            yield unjudged(resource, output, admission)
        elif value is None:
            yield Finding(resource, f"has no `{name}`: take it from {admission.name}")
        elif value * unit > (admitted or 0):
            yield Finding(
                resource, f"has a `{name}` of {resource.shown(name)}, more than {admission.name} admits"
            )


def _target(stack: Stack, resource: Resource, admission: Resource) -> Iterator[Finding]:
    """What is changed in place hangs on the same Admission as the change."""
    rule = CHARGEABLE.get(resource.type)
    if rule is None or rule.target is None:
        return
    name, kind = rule.target
    targets = stack.behind(resource, kind, by=name)
    if not any(admission in traversal.admissions(stack, each) for each in targets):
        yield Finding(resource, f"changes something else than what {admission.name} admits")


def _identity(resource: Resource, admission: Resource) -> Iterator[Finding]:
    """Libvirt's UUID is the ledger's: the id of what is there, the stylesheet's of what will be made."""
    wanted, xml = admission.get("uuid"), resource.get("xml")
    sheet = xml.get("xslt") if isinstance(xml, dict) else xml
    if wanted is UNKNOWN:
        yield unjudged(resource, "uuid", admission)
    elif traversal.exists(resource):
        if resource.get("id") != wanted:
            yield Finding(resource, f"has not the UUID {wanted} that {admission.name} admits")
    elif sheet is UNKNOWN:
        yield unjudged(resource, "xml.xslt")
    elif str(wanted) not in (sheet or ""):
        yield Finding(resource, f"will not have the UUID {wanted} that {admission.name} admits")


def _disks(stack: Stack, domain: Resource) -> Iterator[Finding]:
    """Storage that no volume of the stack stands for is charged to nobody."""
    disks = domain.get("disks")
    if traversal.settled(domain, "disks"):
        return
    if disks is UNKNOWN:
        yield unjudged(domain, "disks")
        return
    volumes = stack.behind(domain, VOLUME, by="disks")
    for index, disk in enumerate(disks or []):
        if disk is UNKNOWN:
            yield unjudged(domain, f"disks[{index}]")
        elif disk.get("blockDevice"):
            yield Finding(
                domain, f"takes a block device of the host, `disks[{index}]`, which nobody admitted"
            )
        elif disk.get("volumeId") and not volumes:
            yield Finding(domain, f"takes a volume, `disks[{index}]`, that is none of this stack's")
