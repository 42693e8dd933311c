"""What is done about each operation that never ended. Pure: state and sight of the host in, steps out.

- A domain, network or cloud-init medium that an interrupted creation left is removed, and made again by `up`.
- A volume that an interrupted creation left holds data, perhaps; it is adopted into the state, never deleted.
- A claim that no state knows is released: nothing can have been built on it.
- Everything else is forgotten: the refresh that follows reads what is really there.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from limen.recovery.state import StackState

DOMAIN = "libvirt:index/domain:Domain"
NETWORK = "libvirt:index/network:Network"
VOLUME = "libvirt:index/volume:Volume"
MEDIUM = "libvirt:index/cloudInitDisk:CloudInitDisk"
POOL = "libvirt:index/pool:Pool"
ON_HOST = frozenset({DOMAIN, NETWORK, VOLUME, MEDIUM, POOL})
DEFAULT_POOL = "default"

Do = Literal["remove", "adopt", "forget", "leave", "release"]
Kind = Literal["domain", "network", "volume", "pool", "claim", "resource"]


@dataclass(frozen=True)
class Sight:
    """What is on the host: UUIDs by name, and volumes ("pool/name") with libvirt's key for them.

    `in_use` are volumes that some domain's disks are on.
    """

    domains: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    in_use: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """`identity` is a UUID, "pool/name" or a claim's UUID; `state_id` is Pulumi's id of what is adopted."""

    do: Do
    kind: Kind
    name: str
    urn: str
    identity: str = ""
    state_id: str = ""
    why: str = ""


def make_plan(state: StackState, sight: Sight) -> tuple[Step, ...]:
    """One step for each pending operation, then one for each claim that only they know."""
    removed = _removable_domains(state, sight)
    steps = [_step(state, sight, index, removed) for index in range(len(state.pending))]
    steps += [
        Step("release", "claim", claim, "", claim, why="no state knows it, so nothing was built on it")
        for claim in state.pending_claims
    ]
    return tuple(steps)


def recovered(exported: Mapping[str, Any], steps: tuple[Step, ...]) -> dict[str, Any]:
    """The exported state without pending operations, and with what was adopted."""
    result = copy.deepcopy(dict(exported))
    deployment = result["deployment"]
    pending = deployment.pop("pending_operations", None) or []
    adopted = {step.urn: step.state_id for step in steps if step.do == "adopt"}
    for operation in pending:
        record = operation["resource"]
        if record["urn"] in adopted:
            inputs = record.get("inputs") or {}
            # The refresh that follows reads the outputs; until then they are what was asked for.
            deployment.setdefault("resources", []).append(
                {**record, "id": adopted[record["urn"]], "outputs": copy.deepcopy(inputs)}
            )
    return result


def _step(state: StackState, sight: Sight, index: int, removed: frozenset[str]) -> Step:
    pending = state.pending[index]
    name = pending.text("name") or pending.urn.rpartition("::")[2]
    if pending.operation == "creating":
        match pending.type:
            case t if t == DOMAIN:
                return _whole(
                    "domain", name, pending.urn, sight.domains.get(name), state.known(DOMAIN), state
                )
            case t if t == NETWORK:
                return _whole(
                    "network", name, pending.urn, sight.networks.get(name), state.known(NETWORK), state
                )
            case t if t == POOL:
                found = sight.pools.get(name)
                if found is not None and found not in state.known(POOL):
                    return Step("adopt", "pool", name, pending.urn, found, found)
            case t if t == VOLUME:
                return _volume(state, sight, name, pending.text("pool"), pending.urn)
            case t if t == MEDIUM:
                return _medium(state, sight, name, pending.text("pool"), pending.urn, removed)
    return Step("forget", "resource", name, pending.urn, why=f"{pending.operation} was interrupted")


def _whole(
    kind: Literal["domain", "network"],
    name: str,
    urn: str,
    found: str | None,
    known: frozenset[str],
    state: StackState,
) -> Step:
    if found is None or found in known:
        return Step("forget", kind, name, urn, why="it is not there" if found is None else "the state has it")
    if found not in state.identities:
        return Step(
            "leave", kind, name, urn, found, why="it is there, but not this stack's: choose another name"
        )
    return Step("remove", kind, name, urn, found, why="its creation was interrupted")


def _volume(state: StackState, sight: Sight, name: str, pool: str | None, urn: str) -> Step:
    identity = f"{pool or DEFAULT_POOL}/{name}"
    key = sight.volumes.get(identity)
    if key is None or key in state.known(VOLUME):
        return Step(
            "forget", "volume", name, urn, why="it is not there" if key is None else "the state has it"
        )
    if identity not in state.identities:
        return Step(
            "leave",
            "volume",
            name,
            urn,
            identity,
            why="it is there, but not this stack's: choose another name",
        )
    return Step("adopt", "volume", name, urn, identity, key, why="it may hold data")


def _medium(
    state: StackState, sight: Sight, name: str, pool: str | None, urn: str, removed: frozenset[str]
) -> Step:
    identity = f"{pool or DEFAULT_POOL}/{name}"
    key = sight.volumes.get(identity)
    # The plugin's id of a medium is the volume's key and a suffix after a semicolon.
    known = {each.partition(";")[0] for each in state.known(MEDIUM)}
    if key is None or key in known:
        return Step(
            "forget", "volume", name, urn, why="it is not there" if key is None else "the state has it"
        )
    if sight.in_use.get(identity, frozenset()) - removed:
        return Step("leave", "volume", name, urn, identity, why="a VM uses it")
    return Step("remove", "volume", name, urn, identity, why="its upload was interrupted")


def _removable_domains(state: StackState, sight: Sight) -> frozenset[str]:
    """UUIDs of the domains that this plan removes, so that what only they use is free."""
    found = {
        sight.domains.get(each.text("name") or "")
        for each in state.pending
        if each.operation == "creating" and each.type == DOMAIN
    }
    known = state.known(DOMAIN)
    return frozenset(uuid for uuid in found if uuid and uuid in state.identities and uuid not in known)
