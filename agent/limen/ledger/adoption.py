"""Adoption: what is on a host and nobody's becomes a claim of a project. Nothing on the host is touched."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from limen.ledger.admission import Reach, lock_and_read, write
from limen.ledger.document import Document
from limen.ledger.errors import Conflict, Denied, NotFound
from limen.ledger.observations import recount_orphans
from limen.ledger.pool import ENTER_SHARED, Connection, Pool
from limen.ledger.rows import written
from limen.ledger.transitions import new_item
from limen.ledger.values import Claim, Fingerprint, Owner
from limen.ledger.view import View
from limen.quota.claims import check_item
from limen.quota.decision_json import DecisionJson
from limen.quota.explain import explanation
from limen.quota.model import Item, ItemKind, check_project_name
from limen.quota.resources import RESOURCES

# No Pulumi stack holds it; one that is to have it takes it over.
_NO_STACK = Fingerprint("-", "-", "-")

_CAPACITIES = "SELECT resource FROM capacities WHERE host_id = %s"

_SEEN = """
SELECT o.name, o.amounts, EXISTS (SELECT FROM items i
    WHERE i.host_id = o.host_id AND i.kind = o.kind AND i.identity = o.identity)
FROM observations o WHERE o.host_id = %s AND o.kind = %s AND o.identity = %s"""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing on a host, by what a scan knows it by."""

    host: UUID
    kind: ItemKind
    identity: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """What adopting comes to: the claim (not written when it was only judged) and the decision."""

    claim: Claim
    decision: DecisionJson


def adopt(pool: Pool, thing: Thing, project: str, actor: str, *, judge_only: bool = False) -> Adopted:
    """Charge an orphan to `project` as a claim of its own, at the sizes that were last seen.

    Decided like any other claim, except that the host's capacity is not asked for what it carries already.
    `judge_only` writes nothing. Raises `Denied`, `NotFound` (project, thing), `Conflict` (it is claimed),
    `InvalidSpec` for a thing that no claim can hold.
    """
    check_project_name(project)
    with pool.transaction("limen_admit", ENTER_SHARED) as connection:
        view = _lock(connection, thing, project)
        item = _seen_item(connection, thing)
        _leave_orphans(view, thing.host, item)
        decision = view.decide(project, None, [item])
        drawn = explanation(decision)
        claim = _claim(item, project, view.now)
        if not judge_only:
            document = Document()
            if decision.allowed:
                view.put(None, claim)
                document.add_changes(view)
            document.add("audit", _audit(claim, thing, actor, drawn))
            write(connection, document, view)
            recount_orphans(connection, thing.host)
    if not decision.allowed:
        raise Denied(drawn)
    return Adopted(claim, drawn)


def _lock(connection: Connection, thing: Thing, project: str) -> View:
    """The project's counters and all of the host's: no scan changes what is seen there meanwhile."""
    capacities = [row[0] for row in connection.execute(_CAPACITIES, (thing.host,))]
    resources = sorted({*capacities, *RESOURCES})
    return lock_and_read(connection, Reach([project], resources, [str(thing.host)]))


def _seen_item(connection: Connection, thing: Thing) -> Item:
    row = connection.execute(_SEEN, (thing.host, thing.kind, thing.identity)).fetchone()
    if row is None:
        raise NotFound(f"there is no {thing.kind} {thing.identity} on host {thing.host}: scan it again")
    name, amounts, claimed = row
    if claimed:
        raise Conflict(f"{thing.kind} {name} is claimed already: nothing is left to adopt")
    item = Item(
        key=_key(thing.kind, name),
        kind=thing.kind,
        name=name,
        host=str(thing.host),
        amounts={resource: int(amount) for resource, amount in amounts.items()},
        volume=thing.identity if thing.kind == "disk" else None,
        snapshot=thing.identity if thing.kind == "snapshot" else None,
        uuid=UUID(thing.identity) if thing.kind in ("vm", "network") else None,
    )
    check_item(item)
    return item


def _leave_orphans(view: View, host: UUID, item: Item) -> None:
    """Take the item out of what the host carries for nobody: it is about to be charged there as claimed."""
    for resource, amount in item.amounts.items():
        standing = view.standings.get((str(host), resource))
        if standing is not None and isinstance(amount, int):
            used = max(0, standing.used - amount)
            view.standings[str(host), resource] = replace(standing, used=used)


def _claim(item: Item, project: str, now: datetime) -> Claim:
    claim_id = uuid4()
    new = new_item(claim_id, item, now)
    held = replace(new, state="committed", observed=new.claimed, deadline=None, seen=True)
    owner = Owner("adopted", item.name)
    return Claim(claim_id, project, owner, _NO_STACK, held.host, 1, "held", (held,), now, now)


def _audit(claim: Claim, thing: Thing, actor: str, decision: DecisionJson) -> dict[str, Any]:
    detail: dict[str, Any] = {"host": str(thing.host), "kind": thing.kind, "identity": thing.identity}
    if decision["allowed"]:
        detail |= {"generation": 1, "charge": written(claim.charge)}
    else:
        detail |= decision
    return {
        "actor": actor,
        "action": "claim.adopt",
        "project": claim.project,
        "claim_id": str(claim.id),
        "allowed": decision["allowed"],
        "detail": detail,
    }


def _key(kind: ItemKind, name: str) -> str:
    """A key from a name that libvirt allows and a key does not."""
    return f"{kind}:{re.sub(r'[^a-z0-9._-]+', '-', name.lower())}"[:128]
