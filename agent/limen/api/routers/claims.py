"""Claims and their items."""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from limen.api.access import Access
from limen.api.answering import answering, document
from limen.api.context import Caller, IdempotencyKey, Parts, PartsIn, claim_id, find_host, host_ids
from limen.api.holders import with_holders
from limen.api.schemas import answers
from limen.api.schemas.claims import (
    AdmitIn,
    ChangedClaim,
    HeartbeatIn,
    NewClaim,
    SettleIn,
    Transfer,
    claim_json,
    claim_request,
    host_names,
    item_json,
)
from limen.api.schemas.fields import Json
from limen.api.waiting import scan_within
from limen.ledger.errors import Denied, LedgerError, NotFound
from limen.ledger.values import Admitted, Claim, ClaimItem, Role
from limen.quota.errors import LimenError

router = APIRouter(prefix="/api/claims", tags=["claims"])


@router.post("", **answering(answers.AdmittedClaim, 201))
def create_claim(body: NewClaim, caller: Caller, parts: PartsIn, key: IdempotencyKey) -> JSONResponse:
    """Reserve all items or none; a denial is a problem `quota_denied` with the decision."""
    caller.require_scope("claims:write")
    caller.require_role(body.project, "operator")
    request = claim_request(body.id, body, host_ids(parts.ledger, host_names(body)))
    answer = _admission(parts, caller, lambda: parts.ledger.claims.create(request, caller.user, key))
    return document(answer, 201)


@router.put("/{claim}", **answering(answers.AdmittedClaim))
def change_claim(
    claim: str, body: ChangedClaim, caller: Caller, parts: PartsIn, key: IdempotencyKey
) -> JSONResponse:
    """Grow: per item and resource the larger of old and new. Another project is a transfer."""
    existing = _claim(claim, caller, parts, "claims:write", "operator")
    caller.require_role(body.project, "operator")
    request = claim_request(str(existing.id), body, host_ids(parts.ledger, host_names(body)))
    answer = _admission(
        parts, caller, lambda: parts.ledger.claims.change(request, body.generation, caller.user, key)
    )
    return document(answer)


@router.post("/{claim}/transfer", **answering(answers.AdmittedClaim))
def transfer_claim(claim: str, body: Transfer, caller: Caller, parts: PartsIn, key: IdempotencyKey) -> Json:
    """Move the whole claim to another project, atomically."""
    existing = _claim(claim, caller, parts, "claims:write", "operator")
    caller.require_role(body.project, "operator")
    return _admission(
        parts,
        caller,
        lambda: parts.ledger.claims.transfer(existing.id, body.generation, body.project, caller.user, key),
    )


@router.delete("/{claim}", **answering(answers.Claim))
def release_claim(
    claim: str,
    generation: Annotated[int, Query(ge=1)],
    caller: Caller,
    parts: PartsIn,
    key: IdempotencyKey,
) -> Json:
    """Release every item; what a host still holds stays charged until a scan shows it gone."""
    existing = _claim(claim, caller, parts, "claims:write", "operator")
    released = parts.ledger.claims.release(existing.id, generation, caller.user, key)
    for host in {item.host for item in released.items}:
        parts.observers.request_quietly(host)
    return claim_json(released)


@router.get("", **answering(list[answers.Claim]))
def list_claims(
    caller: Caller,
    parts: PartsIn,
    project: str | None = None,
    host: str | None = None,
    limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
    after: str | None = None,
) -> list[Json]:
    """The claims that the caller sees, newest first: all of them, or `limit` after the claim of that id."""
    caller.require_scope("quota:read")
    if project is not None:
        caller.require_role(project, "viewer")
    found = parts.ledger.claims.list(
        project,
        None if host is None else find_host(parts.ledger, host).id,
        visible=caller.visible,
        limit=limit,
        after=None if after is None else _claim(after, caller, parts, "quota:read", "viewer").id,
    )
    return [claim_json(claim) for claim in found]


@router.get("/{claim}", **answering(answers.Claim))
def get_claim(claim: str, caller: Caller, parts: PartsIn) -> Json:
    return claim_json(_claim(claim, caller, parts, "quota:read", "viewer"))


@router.post("/{claim}/items/{item}/admit", **answering(answers.AdmittedItem))
def admit_item(
    claim: str, item: str, body: AdmitIn, caller: Caller, parts: PartsIn, key: IdempotencyKey
) -> Json:
    """Begin to build an item of this size; `not_admitted` unless it is reserved at this size or more."""
    existing = _claim(claim, caller, parts, "claims:write", "operator")
    host = host_ids(parts.ledger, {body.host})[body.host]
    fence = None if body.fence is None else int(body.fence)
    admitted = parts.ledger.claims.admit_item(existing.id, item, body.amounts, host, caller.user, fence, key)
    return {"item": item_json(admitted), "fence": str(admitted.fence)}


@router.post("/{claim}/items/{item}/settle", **answering(answers.SettledItem))
async def settle_item(claim: str, item: str, body: SettleIn, caller: Caller, parts: PartsIn) -> Json:
    """Release one item and wait for a scan of its host; `released` once the host shows it gone.

    With a fence that is not the item's newest, another builder holds it: it is `kept` as it is.
    """
    deadline = time.monotonic() + body.wait_seconds
    existing = await run_in_threadpool(_claim, claim, caller, parts, "claims:write", "operator")
    before = existing.item(item)
    fence = None if body.fence is None else int(body.fence)
    left = await run_in_threadpool(parts.ledger.claims.settle_item, existing.id, item, caller.user, fence)
    problem: LimenError | None = None
    while left is not None and left.released:
        problem = await scan_within(parts, left.host, deadline - time.monotonic())
        left = await run_in_threadpool(_item_now, parts, existing, item)
        if left is None or parts.observers.ending or time.monotonic() >= deadline:
            break
        # A guest that is shutting down is seen until it is off: its event brings the next scan sooner.
        await asyncio.sleep(min(0.5, max(0.0, deadline - time.monotonic())))
    if left is not None and not left.released:
        # Taken over before this call, or while it waited.
        return {**item_json(left), "state": "kept", "detail": f"Another builder has taken {item} over."}
    if left is not None:
        return {**item_json(left), "state": "lapsing", "detail": str(problem or "The host still shows it.")}
    return {**(item_json(before) if before else {"key": item}), "state": "released", "charge": {}}


@router.post("/{claim}/heartbeat", **answering(answers.Deadline))
def heartbeat(claim: str, body: HeartbeatIn, caller: Caller, parts: PartsIn) -> Json:
    """Move the deadline of what these fences build, and of what nobody builds yet."""
    existing = _claim(claim, caller, parts, "claims:write", "operator")
    deadline = parts.ledger.claims.heartbeat(existing.id, [int(fence) for fence in body.fences])
    return {"deadline": None if deadline is None else deadline.isoformat()}


def _claim(claim: str, caller: Access, parts: Parts, scope: str, role: Role) -> Claim:
    """The claim, if the caller may do this with it; one that they don't see is not there."""
    caller.require_scope(scope)
    found = parts.ledger.claims.get(claim_id(claim))
    if not caller.sees(found.project):
        raise NotFound(f"There is no claim {claim}, or you have no role in its project.")
    caller.require_role(found.project, role)
    return found


def _item_now(parts: Parts, claim: Claim, key: str) -> ClaimItem | None:
    return parts.ledger.claims.get(claim.id).item(key)


def _admission(parts: Parts, caller: Access, change: Callable[[], Admitted]) -> Json:
    """Carry out a change of a claim, counted and timed; a denial says who holds the rest."""
    started = time.monotonic()
    outcome = "error"
    try:
        admitted = change()
        outcome = "admitted"
    except Denied as denied:
        outcome = "denied"
        raise Denied(with_holders(parts.ledger, caller, denied.decision)) from denied
    except LedgerError as error:
        outcome = error.code
        raise
    finally:
        parts.metrics.admissions.labels(outcome).inc()
        parts.metrics.admission_seconds.observe(time.monotonic() - started)
    return {**claim_json(admitted.claim), "decision": admitted.decision}
