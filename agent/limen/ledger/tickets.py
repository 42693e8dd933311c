"""One wish each: what an admission has to lock and read for it, and the change that it makes of that."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from limen.ledger import transitions
from limen.ledger.errors import Conflict, FingerprintMismatch, StaleGeneration
from limen.ledger.rows import written
from limen.ledger.transitions import charged_items, claimed_items, requested_items
from limen.ledger.values import Claim, ClaimRequest
from limen.ledger.view import View
from limen.quota.claims import charge as larger
from limen.quota.claims import grow
from limen.quota.model import Decision, Item, check_project_name


@dataclass(frozen=True, slots=True)
class Step:
    """What a ticket would do: `decision` None needs none, `detail` None is not audited."""

    before: Claim | None
    after: Claim
    decision: Decision | None
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A wish.

    `existing`: its claim is there and is locked. `plan` raises errors of ours and changes nothing.
    """

    action: str
    actor: str
    claim_id: UUID
    existing: bool
    plan: Callable[[View], Step]
    projects: tuple[str, ...] = ()
    resources: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    key: str | None = None
    request: str = field(default="")


def create(request: ClaimRequest, actor: str, key: str | None) -> Ticket:
    """A new claim."""
    items = requested_items(request)

    def plan(view: View) -> Step:
        if request.id in view.known:
            raise Conflict(f"claim {request.id} exists already: read it, and change it with its generation")
        decision = view.decide(request.project, None, items)
        if not decision.allowed:
            return _denied(decision, request, view)
        after = transitions.create(request, items, view.now)
        return Step(None, after, decision, {"generation": 1, "charge": written(after.charge)})

    return Ticket(
        "claim.create",
        actor,
        request.id,
        False,
        plan,
        (check_project_name(request.project),),
        _resources(items),
        _hosts(items),
        key,
        _digest("create", request),
    )


def change(request: ClaimRequest, generation: int, actor: str, key: str | None) -> Ticket:
    """A claim grown, or transferred, or both."""
    items = requested_items(request)

    def plan(view: View) -> Step:
        claim = view.claim(request.id)
        _check_generation(claim, generation)
        takeover = claim.fingerprint != request.fingerprint
        if takeover and not request.takeover:
            raise FingerprintMismatch(
                f"claim {claim.id} belongs to stack {claim.fingerprint.stack} of project "
                f"{claim.fingerprint.project} in {claim.fingerprint.backend}: "
                "ask for a takeover if that one is gone"
            )
        decision = view.decide(request.project, claim, grown_charge(claim, items))
        if not decision.allowed:
            return Step(claim, claim, decision, None)
        after = transitions.change(claim, request, items, view.now)
        return Step(claim, after, decision, _detail(claim, after, takeover=takeover))

    return Ticket(
        "claim.change",
        actor,
        request.id,
        True,
        plan,
        (check_project_name(request.project),),
        _resources(items),
        _hosts(items),
        key,
        _digest("change", request, generation),
    )


def transfer(claim_id: UUID, generation: int, project: str, actor: str, key: str | None) -> Ticket:
    """A whole claim moved to another project."""

    def plan(view: View) -> Step:
        claim = view.claim(claim_id)
        _check_generation(claim, generation)
        decision = view.decide(project, claim, charged_items(claim))
        if not decision.allowed:
            return Step(claim, claim, decision, None)
        after = transitions.transfer(claim, project, view.now)
        return Step(claim, after, decision, _detail(claim, after))

    return Ticket(
        "claim.transfer",
        actor,
        claim_id,
        True,
        plan,
        (check_project_name(project),),
        key=key,
        request=_digest("transfer", generation, project),
    )


def release(claim_id: UUID, generation: int, actor: str, key: str | None) -> Ticket:
    """A whole claim given up."""

    def plan(view: View) -> Step:
        claim = view.claim(claim_id)
        if claim.state == "released" and all(item.released for item in claim.items):
            return Step(claim, claim, None, None)
        _check_generation(claim, generation)
        after = transitions.release(claim, view.now)
        return Step(claim, after, None, _detail(claim, after))

    return Ticket(
        "claim.release", actor, claim_id, True, plan, key=key, request=_digest("release", generation)
    )


def settle(claim_id: UUID, item: str, fence: int | None, actor: str) -> Ticket:
    """One item given up."""

    def plan(view: View) -> Step:
        claim = view.claim(claim_id)
        after = transitions.settle(claim, item, view.now, fence)
        return Step(claim, after, None, None if after == claim else {"item": item, **_detail(claim, after)})

    return Ticket("item.settle", actor, claim_id, True, plan)


def lower(claim_id: UUID, item: str, amounts: Mapping[str, int], actor: str) -> Ticket:
    """One item's claim lowered."""

    def plan(view: View) -> Step:
        claim = view.claim(claim_id)
        after = transitions.lower(claim, item, amounts, view.now)
        return Step(claim, after, None, None if after == claim else {"item": item, **_detail(claim, after)})

    return Ticket("item.lower", actor, claim_id, True, plan)


def admit(
    claim_id: UUID,
    item: str,
    amounts: Mapping[str, int],
    host: UUID,
    fence: int | None,
    actor: str,
    key: str | None,
) -> Ticket:
    """One item begun to be built."""

    def plan(view: View) -> Step:
        claim = view.claim(claim_id)
        after = transitions.admit(claim, item, amounts, host, fence, view.now)
        return Step(claim, after, None, {"item": item, "fence": after.fences, **_detail(claim, after)})

    return Ticket(
        "item.admit",
        actor,
        claim_id,
        True,
        plan,
        resources=frozenset(amounts),
        key=key,
        request=_digest("admit", item, sorted(amounts.items()), host, fence),
    )


def beat(claim_id: UUID, fences: Iterable[int]) -> Ticket:
    """A builder's sign of life; too frequent to be audited."""
    held = frozenset(fences)

    def plan(view: View) -> Step:
        claim = view.claim(claim_id)
        return Step(claim, transitions.beat(claim, held, view.now), None, None)

    return Ticket("claim.heartbeat", "", claim_id, True, plan)


def lapse(claim_id: UUID) -> Ticket:
    """Whatever of the claim is overdue."""

    def plan(view: View) -> Step:
        claim = view.claim(claim_id)
        after = transitions.lapse(claim, view.now)
        return Step(claim, after, None, None if after == claim else _detail(claim, after))

    return Ticket("claim.lapse", "limen", claim_id, True, plan)


def grown_charge(claim: Claim, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """What a claim would be charged per item once it holds `items` too; amounts not known stay unknown."""
    observed = {i.key: i.observed for i in claim.items}
    return tuple(
        replace(item, amounts=larger(item.amounts, observed[item.key])) if observed.get(item.key) else item
        for item in grow(claimed_items(claim), items)
    )


def _denied(decision: Decision, request: ClaimRequest, view: View) -> Step:
    """A denied creation has no claim; what stands in for one is never written."""
    return Step(None, transitions.create(request, (), view.now), decision, None)


def _check_generation(claim: Claim, generation: int) -> None:
    if generation != claim.generation:
        raise StaleGeneration(
            f"claim {claim.id} is at generation {claim.generation}, not {generation}: read it again",
            claim.generation,
        )


def _detail(before: Claim, after: Claim, *, takeover: bool = False) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "generation": after.generation,
        "before": written(before.charge),
        "charge": written(after.charge),
    }
    if before.project != after.project:
        detail["from"] = before.project
    if takeover:
        old, new = before.fingerprint, after.fingerprint
        detail["takeover"] = {
            "from": [old.backend, old.project, old.stack],
            "to": [new.backend, new.project, new.stack],
        }
    return detail


def _resources(items: Iterable[Item]) -> frozenset[str]:
    return frozenset(resource for item in items for resource in item.amounts)


def _hosts(items: Iterable[Item]) -> frozenset[str]:
    return frozenset(item.host for item in items)


def _digest(*what: object) -> str:
    """Whether two requests under one idempotency key are the same."""
    return sha256(json.dumps(what, default=_plain, sort_keys=True).encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, ClaimRequest):
        items = sorted(
            (i.key, i.kind, i.name, sorted(i.amounts.items()), i.host, i.volume, i.snapshot)
            for i in value.items
        )
        owner, mark = value.owner, value.fingerprint
        return [
            *(value.id, value.project, owner.kind, owner.name, mark.backend, mark.project, mark.stack),
            *(value.host, value.takeover, items),
        ]
    return str(value)
