"""What the last scans and the claims do not agree about."""

from typing import Any, Literal, cast
from uuid import UUID

from limen.ledger.pool import Pool
from limen.ledger.values import Finding

# Orphan: there, and no claim's. Duplicate: a claim's, but on another host than its own. Ghost: claimed and
# built, but a scan shows nothing. Drift: there in other sizes than claimed.
_FINDINGS = """
WITH claimed AS (
    SELECT i.*, p.name AS project, (SELECT json_object_agg(g.resource, g.claimed) FROM charges g
        WHERE g.claim_id = i.claim_id AND g.key = i.key AND g.claimed > 0) AS claimed
    FROM items i JOIN claims c ON c.id = i.claim_id JOIN projects p ON p.id = c.project_id
), found AS (
    SELECT CASE WHEN e.claim_id IS NULL THEN 'orphan' ELSE 'duplicate' END AS finding, o.host_id, o.kind,
        o.identity,
        o.name, coalesce(e.claim_id, o.hint) AS claim_id, e.key, e.project, e.claimed, o.amounts AS observed
    FROM observations o
    LEFT JOIN LATERAL (SELECT * FROM claimed e WHERE o.kind IN ('vm', 'network') AND e.kind = o.kind
        AND e.identity = o.identity AND e.host_id <> o.host_id ORDER BY e.claim_id LIMIT 1) e ON true
    WHERE NOT EXISTS (SELECT FROM items i
        WHERE i.host_id = o.host_id AND i.kind = o.kind AND i.identity = o.identity)
  UNION ALL
    SELECT 'ghost', i.host_id, i.kind, i.identity, i.name, i.claim_id, i.key, i.project, i.claimed,
        '{}'::jsonb
    FROM claimed i JOIN hosts h ON h.id = i.host_id
    WHERE i.state = 'committed' AND h.scanned IS NOT NULL AND NOT EXISTS (SELECT FROM observations o
        WHERE o.host_id = i.host_id AND o.kind = i.kind AND o.identity = i.identity)
  UNION ALL
    SELECT 'drift', i.host_id, i.kind, i.identity, i.name, i.claim_id, i.key, i.project, i.claimed, o.amounts
    FROM claimed i JOIN observations o
        ON o.host_id = i.host_id AND o.kind = i.kind AND o.identity = i.identity
    WHERE i.state = 'committed' AND o.amounts IS DISTINCT FROM i.claimed::jsonb
)
SELECT finding, host_id, kind, identity, name, claim_id, key, project, claimed, observed FROM found
WHERE %(host)s::uuid IS NULL OR host_id = %(host)s
ORDER BY host_id, finding, kind, identity"""

_Kind = Literal["orphan", "ghost", "drift", "duplicate"]
_DETAIL: dict[_Kind, str] = {
    "orphan": "is on the host, and no claim holds it",
    "ghost": "is claimed, but the host does not hold it any more",
    "drift": "has other sizes on the host than are claimed",
    "duplicate": "is claimed on another host, and is on this one too",
}


def findings(pool: Pool, host_id: UUID | None) -> tuple[Finding, ...]:
    """By host, kind of finding, kind of thing and identity."""
    return tuple(_finding(row) for row in pool.fetch(_FINDINGS, {"host": host_id}))


def _finding(row: tuple[Any, ...]) -> Finding:
    kind, host, item_kind, identity, name, claim, key, project, claimed, observed = row
    found = cast(_Kind, kind)
    return Finding(
        id=f"{found}:{host}:{item_kind}:{identity}",
        kind=found,
        host=host,
        item_kind=item_kind,
        identity=identity,
        name=name,
        claim=claim,
        key=key,
        project=project,
        claimed={resource: int(amount) for resource, amount in (claimed or {}).items()},
        observed={resource: int(amount) for resource, amount in (observed or {}).items()},
        detail=f"{item_kind} {name} {_DETAIL[found]}",
    )
