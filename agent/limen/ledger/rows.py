"""Claims as JSON: how a query returns them, and how an idempotent answer is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from limen.ledger.values import Claim, ClaimItem, Fingerprint, Owner

# One claim `c` of project `p` as a JSON array in the order that `claim_from_row` unpacks.
CLAIM = """json_build_array(c.id, p.name, c.owner_kind, c.owner_name, c.backend, c.stack_project,
    c.stack, c.host_id, c.generation, c.state, c.fences, c.created, c.updated, (
        SELECT json_agg(json_build_array(i.key, i.kind, i.name, i.host_id, i.uuid, i.volume, i.state,
            i.deadline, i.fence, i.seen, i.released, i.snapshot, (
                SELECT json_agg(json_build_array(g.resource, g.claimed, g.observed))
                FROM charges g WHERE g.claim_id = i.claim_id AND g.key = i.key
            )) ORDER BY i.key)
        FROM items i WHERE i.claim_id = c.id
    ))"""


def claim_from_row(row: list[Any]) -> Claim:
    """The claim that `CLAIM` selected."""
    (identifier, project, owner_kind, owner_name, backend, stack_project, stack, host) = row[:8]
    (generation, state, fences, created, updated, items) = row[8:]
    return Claim(
        id=UUID(identifier),
        project=project,
        owner=Owner(owner_kind, owner_name),
        fingerprint=Fingerprint(backend, stack_project, stack),
        host=UUID(host),
        generation=generation,
        state=state,
        items=tuple(_item_from_row(item) for item in items or ()),
        created=datetime.fromisoformat(created),
        updated=datetime.fromisoformat(updated),
        fences=fences,
    )


def _item_from_row(row: list[Any]) -> ClaimItem:
    key, kind, name, host, uuid, volume, state, deadline, fence, seen, released, snapshot, charges = row
    return ClaimItem(
        key=key,
        kind=kind,
        name=name,
        host=UUID(host),
        uuid=UUID(uuid),
        volume=volume,
        state=state,
        claimed={resource: claimed for resource, claimed, _ in charges or () if claimed},
        observed={resource: observed for resource, _, observed in charges or () if observed},
        deadline=None if deadline is None else datetime.fromisoformat(deadline),
        fence=fence,
        seen=seen,
        released=released,
        snapshot=snapshot,
    )


def claim_to_row(claim: Claim) -> list[Any]:
    """What `claim_from_row` reads, for keeping an answer."""
    return [
        *(str(claim.id), claim.project, claim.owner.kind, claim.owner.name),
        *(claim.fingerprint.backend, claim.fingerprint.project, claim.fingerprint.stack, str(claim.host)),
        *(claim.generation, claim.state, claim.fences, claim.created.isoformat(), claim.updated.isoformat()),
        [_item_to_row(item) for item in claim.items],
    ]


def charges(item: ClaimItem) -> list[tuple[str, int, int]]:
    """(resource, claimed, observed) of what is not zero."""
    return [
        (resource, item.claimed.get(resource, 0), item.observed.get(resource, 0))
        for resource in {**item.claimed, **item.observed}
        if item.claimed.get(resource, 0) or item.observed.get(resource, 0)
    ]


def written(amounts: Mapping[str, int]) -> dict[str, str]:
    """Amounts as they travel between programs: as strings."""
    return {resource: str(amount) for resource, amount in amounts.items()}


def _item_to_row(item: ClaimItem) -> list[Any]:
    return [
        *(item.key, item.kind, item.name, str(item.host), str(item.uuid), item.volume, item.state),
        None if item.deadline is None else item.deadline.isoformat(),
        *(item.fence, item.seen, item.released, item.snapshot, charges(item)),
    ]
