"""Whether plan, state, ledger and libvirt agree: each names the same things at the same sizes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from limen.hypervisor.model import HostObservation
from limen.hypervisor.storage import IMAGE_NAME
from limen.quota.model import snapshot_identity
from tests.world.errors import Disagreement
from tests.world.stack import Stack
from tests.world.world import World

KINDS = {"libvirt:index/domain:Domain": "vm", "libvirt:index/network:Network": "network"}


def agree(world: World, *stacks: Stack, preview: bool = True) -> None:
    """Raise Disagreement unless these stacks, all that the world has, agree with ledger and libvirt.

    The ledger is asked after a scan that begins now. Without `preview` the plan is left out.
    """
    host = world.client.scan_host(world.host)
    seen, claims = world.seen(), world.claims()
    problems = [] if host["reachable"] else [f"the authority does not reach the host: {host['error']}"]
    problems += list(compare_ledger(claims, seen))
    problems += list(compare_counters(world, claims))
    findings = world.client.get_findings()["findings"]
    problems += [
        f"reconcile finds {each['kind']} {each['name']}"
        for each in findings
        # Base images belong to the host, no stack claims them.
        if not IMAGE_NAME.fullmatch(each["name"])
    ]
    resources = [resource for stack in stacks for resource in stack.resources()]
    problems += list(compare_state(resources, seen))
    if preview:
        for stack in stacks:
            outcome = stack.preview("--expect-no-changes", "--diff")
            if outcome.code != 0:
                problems.append(f"a preview of {stack.name} is not without changes:\n{outcome.output}")
    if problems:
        raise Disagreement("\n".join(problems))


def compare_ledger(claims: Iterable[Mapping[str, Any]], seen: HostObservation) -> Iterable[str]:
    """Where the claims' items and what libvirt shows are not one to one, or not of one size."""
    charged: dict[str, tuple[str, dict[str, int]]] = {}
    for claim in claims:
        for item in claim["items"]:
            where = f"{item['key']} of claim {claim['id']}"
            if item["state"] != "committed":
                yield f"{where} is {item['state']}"
            if not item["claimed"] == item["observed"] == item["charge"]:
                sizes = (f"{name} {item[name]}" for name in ("claimed", "observed", "charge"))
                yield f"{where}: {', '.join(sizes)}"
            identity = item["volume"] or item["snapshot"] or item["uuid"]
            if identity in charged:
                yield f"{where} is charged twice: {identity}"
            charged[identity] = (item["name"], {name: int(n) for name, n in item["charge"].items()})
    held = {
        **{domain.uuid: (domain.name, dict(domain.amounts)) for domain in seen.domains},
        **{network.uuid: (network.name, dict(network.amounts)) for network in seen.networks},
        **{
            volume.identity: (volume.name, dict(volume.amounts))
            for volume in seen.volumes
            if volume.role == "disk"
        },
        **{
            snapshot_identity(domain.uuid, snapshot.name): (
                snapshot.name,
                {resource: amount for resource, amount in snapshot.amounts.items() if amount},
            )
            for domain in seen.domains
            for snapshot in domain.snapshots
        },
    }
    for identity in sorted(charged.keys() | held.keys()):
        if charged.get(identity) != held.get(identity):
            yield f"{identity}: ledger {charged.get(identity)}, libvirt {held.get(identity)}"


def compare_counters(world: World, claims: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Where a project's counters are not the sum of the items of its claims."""
    sums: dict[str, Counter[str]] = {}
    for claim in claims:
        total = sums.setdefault(claim["project"], Counter())
        for item in claim["items"]:
            total.update({resource: int(amount) for resource, amount in item["charge"].items()})
    for project in (each["name"] for each in world.client.list_projects()):
        expected = {resource: n for resource, n in sums.get(project, Counter()).items() if n}
        if (counted := world.usage(project)) != expected:
            yield f"project {project} is charged {counted}, its items {expected}"


def compare_state(resources: Iterable[Mapping[str, Any]], seen: HostObservation) -> Iterable[str]:
    """Where Pulumi's state and libvirt do not know the same domains, networks and volumes."""
    state: dict[str, set[str]] = {"vm": set(), "network": set()}
    for resource in resources:
        if kind := KINDS.get(resource["type"]):
            state[kind].add(resource["id"])
    libvirt = {
        "vm": {domain.uuid for domain in seen.domains},
        "network": {network.uuid for network in seen.networks},
    }
    for kind, ids in state.items():
        if ids != libvirt[kind]:
            yield f"{kind}: Pulumi's state knows {sorted(ids)}, libvirt {sorted(libvirt[kind])}"
    keys = {each["id"] for each in resources if each["type"] == "libvirt:index/volume:Volume"}
    volumes = {volume.key for volume in seen.volumes if volume.role == "disk"}
    if keys != volumes:
        yield f"volumes: Pulumi's state knows {sorted(keys)}, libvirt {sorted(volumes)}"
