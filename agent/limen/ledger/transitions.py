"""How a claim changes: pure, a claim goes in, the claim afterwards comes out.

Source: design, "Reservation".
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from limen.ledger.errors import Conflict, Invalid, NotAdmitted
from limen.ledger.values import Claim, ClaimItem, ClaimRequest, ItemRequest, ItemState
from limen.quota.claims import check_items, grow
from limen.quota.model import Item, item_uuid, known
from limen.quota.units import format_amount

RESERVATION = timedelta(minutes=2)
"""How long a reservation holds after its last heartbeat."""


def requested_items(request: ClaimRequest) -> tuple[Item, ...]:
    """The request's items in the words of the rules.

    Raises `InvalidSpec`, and `Invalid` for an item that does not say which volume or snapshot it is.
    """
    items = tuple(_requested(item, request.host) for item in request.items)
    check_items(items)
    for item in items:
        if (item.kind == "disk") != (item.volume is not None):
            raise Invalid(f"{item.key} needs its volume, written pool/name")
        if (item.kind == "snapshot") != (item.snapshot is not None):
            raise Invalid(f"{item.key} needs its snapshot, written DOMAIN-UUID/NAME")
    return items


def new_item(claim_id: UUID, item: Item, now: datetime) -> ClaimItem:
    """An item that was admitted just now and that nobody has seen."""
    return ClaimItem(
        key=item.key,
        kind=item.kind,
        name=item.name,
        host=UUID(item.host),
        uuid=item.uuid or item_uuid(claim_id, item.key),
        volume=item.volume,
        snapshot=item.snapshot,
        state="reserved",
        claimed=_claimed(item),
        observed={},
        deadline=now + RESERVATION,
    )


def charged_items(claim: Claim) -> tuple[Item, ...]:
    """The claim's items with what each is charged."""
    return tuple(_as_item(item, item.charge) for item in claim.items)


def claimed_items(claim: Claim) -> tuple[Item, ...]:
    """The claim's items with what each is claimed."""
    return tuple(_as_item(item, item.claimed) for item in claim.items)


def create(request: ClaimRequest, items: tuple[Item, ...], now: datetime) -> Claim:
    """A claim that was admitted just now."""
    return Claim(
        id=request.id,
        project=request.project,
        owner=request.owner,
        fingerprint=request.fingerprint,
        host=request.host,
        generation=1,
        state="held",
        items=tuple(new_item(request.id, item, now) for item in sorted(items, key=lambda item: item.key)),
        created=now,
        updated=now,
    )


def change(claim: Claim, request: ClaimRequest, items: tuple[Item, ...], now: datetime) -> Claim:
    """The claim grown to hold `items` too.

    Raises `Conflict` for an item that still holds something and would change kind, host or identity.
    """
    held = {item.key: item for item in claim.items}
    named = {item.key for item in items}
    for item in items:
        old = held.get(item.key)
        if old is None or not any(old.charge.values()):
            continue
        if _place(_as_item(old, {})) != _place(item):
            raise Conflict(f"{item.key} still holds something else on its host: give the new one another key")
    after = []
    for item in grow(claimed_items(claim), items):
        old = held.get(item.key)
        if old is None:
            after.append(new_item(claim.id, item, now))
        elif item.key in named:
            after.append(_grown(old, item, now))
        else:
            after.append(old)
    return replace(
        claim,
        project=request.project,
        owner=request.owner,
        fingerprint=request.fingerprint,
        host=request.host,
        generation=claim.generation + 1,
        state="held",
        items=tuple(after),
        updated=now,
    )


def transfer(claim: Claim, project: str, now: datetime) -> Claim:
    """The whole claim in another project."""
    return replace(claim, project=project, generation=claim.generation + 1, updated=now)


def release(claim: Claim, now: datetime) -> Claim:
    """Every item given up."""
    items = tuple(left for item in claim.items if (left := _given_up(item, now)) is not None)
    return replace(claim, generation=claim.generation + 1, state="released", items=items, updated=now)


def settle(claim: Claim, key: str, now: datetime, fence: int | None = None) -> Claim:
    """One item given up. The generation stays: this is the end of what was admitted, no new wish.

    Whoever names a fence gives up what was admitted under it: an item that was admitted anew, or reserved
    anew, is another builder's and stays.
    """
    items = []
    for item in claim.items:
        meant = item.key == key and fence in (None, item.fence)
        left = _given_up(item, now) if meant else item
        if left is not None:
            items.append(left)
    return with_items(claim, items, now)


def admit(
    claim: Claim, key: str, amounts: Mapping[str, int], host: UUID, fence: int | None, now: datetime
) -> Claim:
    """An item begun to be built, its claimed amounts lowered to exactly `amounts`; raises `NotAdmitted`."""
    item = claim.item(key)
    if item is None or item.state == "lapsing":
        raise NotAdmitted(f"{key} is not reserved by claim {claim.id}: change the claim to hold it first")
    if item.host != host:
        raise NotAdmitted(f"{key} is admitted on host {item.host}, not on {host}: change the claim first")
    for resource, amount in amounts.items():
        admitted = item.claimed.get(resource, 0)
        if amount > admitted:
            raise NotAdmitted(
                f"{key} is admitted with {format_amount(admitted, resource)} of {resource}, not with "
                f"{format_amount(amount, resource)}: change the claim first"
            )
    if fence is not None and fence != item.fence:
        raise NotAdmitted(f"another builder has taken {key} over: stop, and read what it built")
    token = claim.fences + 1 if fence is None else fence
    built = replace(
        item,
        state="building",
        claimed={resource: amount for resource, amount in amounts.items() if amount},
        deadline=now + RESERVATION,
        fence=token,
    )
    items = [built if each.key == key else each for each in claim.items]
    return replace(with_items(claim, items, now), fences=max(claim.fences, token))


def lower(claim: Claim, key: str, amounts: Mapping[str, int], now: datetime) -> Claim:
    """One item's claim lowered to these amounts where they are smaller; its builder keeps its fence."""
    items = [
        replace(
            item,
            claimed={
                resource: least
                for resource, amount in item.claimed.items()
                if (least := min(amount, amounts.get(resource, 0)))
            },
        )
        if item.key == key
        else item
        for item in claim.items
    ]
    return with_items(claim, items, now)


def beat(claim: Claim, fences: frozenset[int], now: datetime) -> Claim:
    """Later deadlines for what these builders hold, and for what nobody builds yet."""
    deadline = now + RESERVATION
    items = [
        replace(item, deadline=deadline)
        if item.state == "reserved" or (item.state == "building" and item.fence in fences)
        else item
        for item in claim.items
    ]
    return replace(claim, items=tuple(items))


def lapse(claim: Claim, now: datetime) -> Claim:
    """Overdue reservations lapse; what the host was seen to hold stays committed."""
    items = []
    for item in claim.items:
        if item.state in ("reserved", "building") and item.deadline is not None and item.deadline < now:
            item = (
                replace(item, state="committed", deadline=None)
                if item.seen
                else replace(item, state="lapsing")
            )
        items.append(item)
    return with_items(claim, items, now)


def observe(item: ClaimItem, seen: Mapping[str, int] | None, begun: datetime) -> ClaimItem | None:
    """The item after a look at its host that begun at `begun`; None: it is gone.

    `seen` is what the host holds of it, None if it is not there.
    """
    if seen is not None:
        observed = {resource: amount for resource, amount in seen.items() if amount}
        if item.released:
            # Whoever gave it up while it was being built could not know its size: now it is known.
            return replace(item, observed=observed, claimed={}, seen=True)
        return replace(item, observed=observed, seen=True, state="committed", deadline=None)
    if item.state != "lapsing":
        return replace(item, observed={})
    if item.deadline is not None and begun <= item.deadline:
        return item
    return None


def with_items(claim: Claim, items: list[ClaimItem], now: datetime) -> Claim:
    """The claim with these items; one that holds nothing any more is released."""
    if tuple(items) == claim.items:
        return claim
    return replace(claim, items=tuple(items), state=claim.state if items else "released", updated=now)


def _requested(item: ItemRequest, host: UUID) -> Item:
    where = str(item.host or host)
    return Item(item.key, item.kind, item.name, where, item.amounts, item.volume, item.snapshot, item.uuid)


def _as_item(item: ClaimItem, amounts: Mapping[str, int]) -> Item:
    return Item(
        item.key, item.kind, item.name, str(item.host), amounts, item.volume, item.snapshot, item.uuid
    )


def _place(item: Item) -> tuple[str, str, str | None, str | None]:
    """What must stay while the item holds something. Its UUID follows from claim and key."""
    return item.kind, item.host, item.volume, item.snapshot


def _claimed(item: Item) -> dict[str, int]:
    return {resource: number for resource, amount in item.amounts.items() if (number := known(amount))}


def _grown(old: ClaimItem, item: Item, now: datetime) -> ClaimItem:
    grown = replace(
        old,
        name=item.name,
        host=UUID(item.host),
        volume=item.volume,
        snapshot=item.snapshot,
        claimed=_claimed(item),
        released=False,
    )
    if old.state == "committed":
        return grown
    state: ItemState = "building" if old.state == "building" else "reserved"
    return replace(grown, state=state, deadline=now + RESERVATION)


def _given_up(item: ClaimItem, now: datetime) -> ClaimItem | None:
    """What is left of an item that nobody wants any more.

    Nobody began to build what is reserved and was never seen: it goes at once. A builder may be just about to
    create what is building: its claim holds until a scan begun after now. The rest is charged what is
    observed.
    """
    if item.released:
        return item
    if item.state == "reserved" and not item.seen:
        return None
    unseen = item.state in ("building", "lapsing") and not item.seen
    return replace(item, state="lapsing", released=True, deadline=now, claimed=item.claimed if unseen else {})
