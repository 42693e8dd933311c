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
SELECT o.name, o.amounts, o.disks, EXISTS (SELECT FROM items i
    WHERE i.host_id = o.host_id AND i.kind = o.kind AND i.identity = o.identity)
FROM observations o WHERE o.host_id = %s AND o.kind = %s AND o.identity = %s"""

_FREE_DISKS = """
SELECT o.identity FROM observations o
WHERE o.host_id = %s AND o.kind = 'disk' AND o.identity = ANY(%s) AND NOT EXISTS (SELECT FROM items i
    WHERE i.host_id = o.host_id AND i.kind = o.kind AND i.identity = o.identity)
ORDER BY o.identity"""

_DOMAIN = """
SELECT o.host_id, o.identity FROM observations o
WHERE o.kind = 'vm' AND (o.identity = %(domain)s OR o.name = %(domain)s)
    AND (%(host)s::uuid IS NULL OR o.host_id = %(host)s)
ORDER BY o.identity = %(domain)s DESC, o.host_id"""


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


def find_domain(pool: Pool, domain: str, host: UUID | None) -> Thing:
    """A domain as the last scans saw it, by UUID or name; `host` None: wherever it is.

    Raises `NotFound`, and `Conflict` where several hosts have one of that name.
    """
    rows = pool.fetch(_DOMAIN, {"domain": domain, "host": host})
    if not rows:
        where = "any host" if host is None else f"host {host}"
        raise NotFound(f"no domain {domain!a:.220} was seen on {where}: check the name, and scan the host")
    if len({row[0] for row in rows}) > 1:
        raise Conflict(f"there is a domain {domain!a:.220} on {len(rows)} hosts: say on which one")
    return Thing(rows[0][0], "vm", rows[0][1])


def adopt(
    pool: Pool, thing: Thing, project: str, actor: str, *, disks: bool = False, judge_only: bool = False
) -> Adopted:
    """Charge an orphan to `project` as a claim of its own, at the sizes that were last seen.

    With `disks` a domain's volumes that nobody claims come along. Decided like any other claim, except that
    the host's capacity is not asked for what it carries already. `judge_only` writes nothing. Raises
    `Denied`, `NotFound` (project, thing), `Conflict` (it is claimed), `InvalidSpec` for a thing that no claim
    can hold.
    """
    check_project_name(project)
    with pool.transaction("limen_admit", ENTER_SHARED) as connection:
        view = _lock(connection, thing, project)
        items = _seen_items(connection, thing, disks)
        for item in items:
            _leave_orphans(view, thing.host, item)
        decision = view.decide(project, None, items)
        drawn = explanation(decision)
        claim = _claim(items, project, view.now)
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


def _seen_items(connection: Connection, thing: Thing, disks: bool) -> list[Item]:
    """The thing, and with `disks` its volumes; each key once, though two pools may hold the same name."""
    item, volumes = _seen_item(connection, thing)
    items = {item.key: item}
    rows = connection.execute(_FREE_DISKS, (thing.host, volumes)).fetchall() if disks and volumes else []
    for (identity,) in rows:
        disk, _ = _seen_item(connection, Thing(thing.host, "disk", identity))
        if disk.key in items:
            disk = replace(disk, key=_key("disk", identity))
        items[disk.key] = disk
    return list(items.values())


def _seen_item(connection: Connection, thing: Thing) -> tuple[Item, list[str]]:
    """The item that the thing would be, and the volumes that it was seen to write to."""
    row = connection.execute(_SEEN, (thing.host, thing.kind, thing.identity)).fetchone()
    if row is None:
        raise NotFound(f"there is no {thing.kind} {thing.identity} on host {thing.host}: scan it again")
    name, amounts, volumes, claimed = row
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
    return item, volumes


def _leave_orphans(view: View, host: UUID, item: Item) -> None:
    """Take the item out of what the host carries for nobody: it is about to be charged there as claimed."""
    for resource, amount in item.amounts.items():
        standing = view.standings.get((str(host), resource))
        if standing is not None and isinstance(amount, int):
            used = max(0, standing.used - amount)
            view.standings[str(host), resource] = replace(standing, used=used)


def _claim(items: list[Item], project: str, now: datetime) -> Claim:
    """The claim of these, named after the first."""
    claim_id, host = uuid4(), UUID(items[0].host)
    wanted = [new_item(claim_id, item, now) for item in sorted(items, key=lambda item: item.key)]
    held = [
        replace(item, state="committed", observed=item.claimed, deadline=None, seen=True) for item in wanted
    ]
    owner = Owner("adopted", items[0].name)
    return Claim(claim_id, project, owner, _NO_STACK, host, 1, "held", tuple(held), now, now)


def _audit(claim: Claim, thing: Thing, actor: str, decision: DecisionJson) -> dict[str, Any]:
    detail: dict[str, Any] = {"host": str(thing.host), "kind": thing.kind, "identity": thing.identity}
    if volumes := [item.volume for item in claim.items if item.kind == "disk" and thing.kind == "vm"]:
        detail["disks"] = volumes
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
