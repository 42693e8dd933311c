"""What hosts were seen to hold, and what follows for claims."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from limen.ledger.admission import Reach, lock_and_read, write
from limen.ledger.document import Document
from limen.ledger.errors import Invalid, NotFound
from limen.ledger.failures import translate
from limen.ledger.findings import findings
from limen.ledger.pool import BEGIN, ENTER_SHARED, Connection, Pool
from limen.ledger.rows import written
from limen.ledger.transitions import observe, with_items
from limen.ledger.values import Claim, ClaimItem, Finding, ScanResult
from limen.ledger.view import View
from limen.quota.model import Seen

Thing = tuple[str, str]  # (kind, identity)

OBSERVER = "limen"
"""Who looks where no agent does: limen-api."""

# Scans of one host are applied one after the other; the lock's second key is made of the host's id.
_LOCK_HOST = "SELECT pg_advisory_xact_lock(hashtextextended('limen.scan.' || %s::text, 0))"

_HOST = """
SELECT scanned, ARRAY(SELECT resource FROM capacities WHERE host_id = h.id) FROM hosts h WHERE id = %s"""

_ITEMS = """
SELECT i.claim_id, i.kind, i.identity, i.released, i.state, i.seen, i.deadline,
    (SELECT json_object_agg(g.resource, g.observed) FROM charges g
        WHERE g.claim_id = i.claim_id AND g.key = i.key AND g.observed > 0)
FROM items i WHERE i.host_id = %s"""

_NEWER = "SELECT kind, identity FROM observations WHERE host_id = %s AND begun > %s"

_PUT = """
INSERT INTO observations AS o (host_id, kind, identity, name, amounts, hint, disks, begun)
SELECT %(host)s, x.kind, x.identity, x.name, x.amounts, x.hint, x.disks, %(begun)s
FROM jsonb_to_recordset(%(seen)s::jsonb)
    AS x(kind text, identity text, name text, amounts jsonb, hint uuid, disks text[])
ON CONFLICT (host_id, kind, identity) DO UPDATE SET name = excluded.name, amounts = excluded.amounts,
    hint = excluded.hint, disks = excluded.disks, begun = excluded.begun WHERE o.begun <= excluded.begun"""

_GONE = """
DELETE FROM observations o USING jsonb_to_recordset(%(gone)s::jsonb) AS x(kind text, identity text)
WHERE o.host_id = %(host)s AND o.kind = x.kind AND o.identity = x.identity AND o.begun <= %(begun)s"""

_GONE_REST = "DELETE FROM observations WHERE host_id = %(host)s AND begun < %(begun)s"

# Orphans count against the host's capacity alone: what is there and no claim's.
_ORPHANS = """
UPDATE capacities h SET orphans = n.amount FROM (
    SELECT c.resource, coalesce((
        SELECT sum((o.amounts->>c.resource)::bigint) FROM observations o
        WHERE o.host_id = c.host_id AND NOT EXISTS (
            SELECT FROM items i WHERE i.host_id = o.host_id AND i.kind = o.kind AND i.identity = o.identity)
    ), 0) AS amount FROM capacities c WHERE c.host_id = %(host)s
) n WHERE h.host_id = %(host)s AND h.resource = n.resource AND h.orphans <> n.amount"""

_LOCK_CAPACITIES = "SELECT FROM capacities WHERE host_id = %s ORDER BY resource FOR UPDATE"

_SCANNED = "UPDATE hosts SET scanned = %(begun)s WHERE id = %(host)s"

_WRITE_SCAN = """
WITH old AS (DELETE FROM scans WHERE host_id = %(host)s AND begun < clock_timestamp() - interval '7 days')
INSERT INTO scans (host_id, begun, outcome, detail) VALUES (%(host)s, %(begun)s, %(outcome)s, %(detail)s)"""


@dataclass(frozen=True, slots=True)
class _Look:
    """What was looked at: `seen` is there, `gone` is not; `rest_gone`: nor is anything else."""

    seen: Mapping[Thing, Seen]
    gone: frozenset[Thing]
    rest_gone: bool
    begun: datetime
    observer: str

    def says(self, thing: Thing) -> bool:
        """Whether it was looked for at all."""
        return self.rest_gone or thing in self.seen or thing in self.gone


class Observations:
    """Apply scans and events; name what does not agree."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def begin_scan(self, host_id: UUID) -> datetime:
        """The database's clock, to be taken before libvirt is asked. Raises `NotFound`."""
        rows = self._pool.fetch("SELECT clock_timestamp() FROM hosts WHERE id = %s", (host_id,))
        if not rows:
            raise NotFound(f"there is no host {host_id}: add it with `limen host add`")
        found: datetime = rows[0][0]
        return found

    def check_begun(self, begun: datetime) -> None:
        """Raise `Invalid` for a time that is not over: what a scan then shows would end tomorrow's claims."""
        if not self._pool.fetch("SELECT %s::timestamptz <= clock_timestamp()", (begun,))[0][0]:
            raise Invalid(
                "the scan begins in the future: take its time from the ledger's clock, right before it begins"
            )

    def apply_scan(
        self, host_id: UUID, seen: Iterable[Seen], begun_at: datetime, observer: str = OBSERVER
    ) -> ScanResult:
        """Everything the host holds, as seen by a scan that succeeded. What is not in `seen` is gone.

        A scan older than the last applied one is ignored. `observer` is who looked, for the audit. Raises
        `NotFound`.
        """
        things: dict[Thing, Seen] = {(each.kind, each.identity): each for each in seen}
        return self._apply(host_id, _Look(things, frozenset(), True, begun_at, observer))

    def apply_partial(
        self,
        host_id: UUID,
        seen: Iterable[Seen],
        gone: Iterable[tuple[str, str]],
        begun_at: datetime,
        observer: str = OBSERVER,
    ) -> ScanResult:
        """A few things looked up after a libvirt event; `gone` holds (kind, identity) that are not there.

        The rest of the host is left as it was. Raises `NotFound`.
        """
        things: dict[Thing, Seen] = {(each.kind, each.identity): each for each in seen}
        return self._apply(host_id, _Look(things, frozenset(gone) - set(things), False, begun_at, observer))

    def note_report(self, host_id: UUID) -> None:
        """The host's agent has reported just now."""
        with self._pool.transaction("limen_admit") as connection:
            connection.execute("UPDATE hosts SET reported = clock_timestamp() WHERE id = %s", (host_id,))

    def fail_scan(self, host_id: UUID, begun_at: datetime, error: str) -> None:
        """Write down that a scan failed; every observation stays. Raises `NotFound`."""
        with self._pool.transaction("limen_admit") as connection:
            if connection.execute(_HOST, (host_id,)).fetchone() is None:
                raise NotFound(f"there is no host {host_id}: add it with `limen host add`")
            _write_scan(connection, host_id, begun_at, "failed", {"error": error[:500]})

    def findings(self, host_id: UUID | None = None) -> tuple[Finding, ...]:
        """Orphans, ghosts, drift and duplicates of the last scans, by host, kind and identity."""
        return findings(self._pool, host_id)

    def _apply(self, host_id: UUID, look: _Look) -> ScanResult:
        try:
            with self._pool.connection() as connection:
                with connection.pipeline():
                    connection.execute(BEGIN)
                    connection.execute(ENTER_SHARED, self._pool.locals("limen_admit"))
                    connection.execute(_LOCK_HOST, (host_id,))
                    host = connection.execute(_HOST, (host_id,)).fetchone()
                    items = connection.execute(_ITEMS, (host_id,)).fetchall()
                    newer = connection.execute(_NEWER, (host_id, look.begun)).fetchall()
                if host is None:
                    raise NotFound(f"there is no host {host_id}: add it with `limen host add`")
                if host[0] is not None and host[0] >= look.begun:
                    _write_scan(connection, host_id, look.begun, "ignored", {})
                    result = ScanResult(applied=False)
                else:
                    result = _take_in(connection, host_id, host[1], look, items, set(newer))
                connection.execute("COMMIT")
                return result
        except psycopg.Error as error:
            raise translate(error) from error


def _take_in(
    connection: Connection,
    host_id: UUID,
    capacities: list[str],
    look: _Look,
    items: list[tuple[Any, ...]],
    newer: set[Any],
) -> ScanResult:
    """Lock the claims that the look changes, change them, and write down what is there.

    All of the host's counters are locked at once, in their order: the orphans need every one of them.
    """
    touched = {row[0] for row in items if (row[1], row[2]) not in newer and _touches(row, look)}
    live = {(row[1], row[2]) for row in items if not row[3]}
    resources = {resource for seen in look.seen.values() for resource in seen.amounts} | set(capacities)
    with connection.pipeline():
        if touched:
            reach = Reach(claims=sorted(touched), resources=sorted(resources), hosts=[str(host_id)])
            view = lock_and_read(connection, reach)
            document, counts = _judge(view, host_id, look, newer, live)
            write(connection, document, view)
        else:
            counts = _Counts()
            connection.execute(_LOCK_CAPACITIES, (host_id,))
        parameters = {"host": host_id, "begun": look.begun}
        rows = json.dumps([_row(thing) for thing in look.seen.values()])
        connection.execute(_PUT, {**parameters, "seen": rows})
        if look.rest_gone:
            connection.execute(_GONE_REST, parameters)
            connection.execute(_SCANNED, parameters)
        else:
            gone = json.dumps([{"kind": kind, "identity": identity} for kind, identity in look.gone])
            connection.execute(_GONE, {**parameters, "gone": gone})
        recount_orphans(connection, host_id)
        orphans = len([thing for thing in look.seen if thing not in {(row[1], row[2]) for row in items}])
        detail = {"committed": counts.committed, "removed": counts.removed, "changed": counts.changed}
        if look.rest_gone:
            _write_scan(connection, host_id, look.begun, "applied", {**detail, "orphans": orphans})
    return ScanResult(True, counts.committed, counts.removed, counts.changed, orphans)


def recount_orphans(connection: Connection, host_id: UUID) -> None:
    """Bring the host's counters of orphans up to date; the caller holds the locks of all its capacities."""
    connection.execute(_ORPHANS, {"host": host_id})


@dataclass(slots=True)
class _Counts:
    committed: int = 0
    removed: int = 0
    changed: int = 0


def _judge(
    view: View, host_id: UUID, look: _Look, newer: set[Thing], live: set[Thing]
) -> tuple[Document, _Counts]:
    """Put every claim of the view as it is after the look."""
    document = Document()
    counts = _Counts()
    for claim in tuple(view.claims.values()):
        items: list[ClaimItem] = []
        for item in claim.items:
            after = _after(item, host_id, look, newer, live)
            if after is None:
                counts.removed += 1
                continue
            if after.state == "committed" and item.state != "committed":
                counts.committed += 1
            elif after != item:
                counts.changed += 1
            items.append(after)
        changed = with_items(claim, items, view.now)
        if changed is not claim:
            view.put(claim, changed)
            _audit(document, claim, changed, look.observer)
    document.add_changes(view)
    return document, counts


def _after(
    item: ClaimItem, host_id: UUID, look: _Look, newer: set[Thing], live: set[Thing]
) -> ClaimItem | None:
    thing = item.kind, item.identity
    if item.host != host_id or thing in newer or not look.says(thing):
        return item
    if item.released and thing in live:
        # A successor claims the same volume: what is there is the successor's.
        return observe(item, None, look.begun)
    seen = look.seen.get(thing)
    return observe(item, None if seen is None else seen.amounts, look.begun)


def _touches(row: tuple[Any, ...], look: _Look) -> bool:
    """Whether the look may change the item of this row; the judgement itself is made under the locks."""
    _, kind, identity, released, state, was_seen, _, observed = row
    thing = kind, identity
    if not look.says(thing):
        return False
    seen = look.seen.get(thing)
    if seen is None:
        return state == "lapsing" or bool(observed)
    amounts = {resource: amount for resource, amount in seen.amounts.items() if amount}
    return released or state != "committed" or not was_seen or (observed or {}) != amounts


def _audit(document: Document, before: Claim, after: Claim, observer: str) -> None:
    """Only what changes a charge is audited: a scan that sees what was reserved is no news."""
    if before.charge == after.charge and before.project == after.project:
        return
    document.add(
        "audit",
        {
            "actor": observer,
            "action": "claim.observe",
            "project": after.project,
            "claim_id": str(after.id),
            "allowed": True,
            "detail": {"before": written(before.charge), "charge": written(after.charge)},
        },
    )


def _write_scan(
    connection: Connection, host_id: UUID, begun: datetime, outcome: str, detail: dict[str, Any]
) -> None:
    connection.execute(
        _WRITE_SCAN, {"host": host_id, "begun": begun, "outcome": outcome, "detail": json.dumps(detail)}
    )


def _row(thing: Seen) -> dict[str, Any]:
    return {
        "kind": thing.kind,
        "identity": thing.identity,
        "name": thing.name,
        # What is charged nothing is not an amount: a claim does not state it either.
        "amounts": {resource: amount for resource, amount in thing.amounts.items() if amount},
        "hint": None if thing.hint is None else str(thing.hint),
        "disks": list(thing.disks),
    }
