"""What a run left on the host without a pending operation, as when the plugin was killed that made it. Pure.

A stray is known by its identity alone: it is an item of this stack's claim, and no state has it. Domains and
networks are made again by `up`; volumes may hold data and are adopted as their component's child.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from limen.recovery.plan import DOMAIN, MEDIUM, NETWORK, VOLUME, Kind, Sight, Step
from limen.recovery.state import Record, StackState

DISK = "limen:index:Disk"
PROVIDER = "pulumi:providers:libvirt"
_SEED = re.compile(r"[0-9a-f]{8}\.iso")
_WHY = "no state has it, though it is this stack's"


def strays(state: StackState, sight: Sight) -> tuple[Step, ...]:
    """One step for each; what a pending operation names is not among them."""
    named = {pending.text("name") for pending in state.pending}
    found = [*_whole("domain", sight.domains, state.known(DOMAIN), state)]
    found += _whole("network", sight.networks, state.known(NETWORK), state)
    found += _volumes(state, sight)
    found += _media(state, sight, frozenset(step.identity for step in found))
    return tuple(step for step in found if step.name not in named)


def with_strays(exported: Mapping[str, Any], steps: tuple[Step, ...]) -> dict[str, Any]:
    """The exported state with the volumes that `strays` would adopt."""
    result = copy.deepcopy(dict(exported))
    resources = result["deployment"].setdefault("resources", [])
    resources += [_record(resources, step) for step in steps if step.do == "adopt"]
    return result


def _record(resources: list[dict[str, Any]], step: Step) -> dict[str, Any]:
    """A volume as Pulumi's state holds it; the refresh that follows reads the rest of it from the host."""
    pool, _, name = step.identity.partition("/")
    parent = step.urn.replace(f"${VOLUME}::", "::")
    provider = next(each for each in resources if each["type"] == PROVIDER)
    properties = {"name": name, "pool": pool}
    return {
        "urn": step.urn,
        "custom": True,
        "id": step.state_id,
        "type": VOLUME,
        "inputs": {"__defaults": [], **properties},
        "outputs": dict(properties),
        "parent": parent,
        "provider": f"{provider['urn']}::{provider['id']}",
    }


def _whole(kind: Kind, seen: Mapping[str, str], known: frozenset[str], state: StackState) -> Iterator[Step]:
    for name, uuid in sorted(seen.items()):
        if uuid in state.identities and uuid not in known:
            yield Step("remove", kind, name, "", uuid, why=_WHY)


def _volumes(state: StackState, sight: Sight) -> Iterator[Step]:
    known = state.known(VOLUME)
    has_provider = any(each["type"] == PROVIDER for each in state.resources)
    for identity, key in state.volumes.items():
        path = sight.volumes.get(identity)
        if path is None or path in known:
            continue
        name = identity.partition("/")[2]
        parent = _component(state, key)
        if parent is None or not has_provider:
            yield Step("leave", "volume", name, "", identity, why=f"{_WHY}: `pulumi import` it")
            continue
        head, _, logical = str(parent["urn"]).rpartition("::")
        yield Step("adopt", "volume", name, f"{head}${VOLUME}::{logical}", identity, path, why=_WHY)


def _media(state: StackState, sight: Sight, removed: frozenset[str]) -> Iterator[Step]:
    """Cloud-init media carry no identity: `pulumi_limen` names them after the VM, as its root disk."""
    # The plugin's id of a medium is the volume's key and a suffix after a semicolon.
    known = {each.partition(";")[0] for each in state.known(MEDIUM)}
    roots = [identity.removesuffix("-root") for identity in state.volumes if identity.endswith("-root")]
    for identity, path in sorted(sight.volumes.items()):
        base, seed, rest = identity.rpartition("-seed-")
        if not seed or base not in roots or not _SEED.fullmatch(rest) or path in known:
            continue
        if not sight.in_use.get(identity, frozenset()) - removed:
            yield Step("remove", "volume", identity.partition("/")[2], "", identity, why=_WHY)


def _component(state: StackState, item_key: str) -> Record | None:
    """The Disk whose volume the item is; programs without `pulumi_limen` have none."""
    logical = item_key.partition(":")[2]
    disks = (each for each in state.resources if each["type"] == DISK)
    return next((each for each in disks if str(each["urn"]).rpartition("::")[2] == logical), None)
