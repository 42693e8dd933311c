"""Counters computed anew from the charges, for edits that change what a counter sums over.

Only under the tree lock held exclusively: no admission is under way then.
"""

from collections.abc import Sequence
from uuid import UUID

from limen.ledger.pool import Connection

_LIMITS = """
UPDATE limits l SET used = n.used, reserved = n.reserved,
    soft_since = CASE WHEN l.soft IS NULL OR n.used + n.reserved <= l.soft THEN NULL
        ELSE coalesce(l.soft_since, clock_timestamp()) END
FROM (
    SELECT w.project_id, w.resource,
        coalesce(sum(g.charge) FILTER (WHERE i.seen), 0) AS used,
        coalesce(sum(g.charge) FILTER (WHERE NOT i.seen), 0) AS reserved
    FROM limits w
    LEFT JOIN projects p ON w.project_id = ANY(p.ancestry)
    LEFT JOIN claims c ON c.project_id = p.id
    LEFT JOIN items i ON i.claim_id = c.id
    LEFT JOIN charges g ON g.claim_id = i.claim_id AND g.key = i.key AND g.resource = w.resource
    WHERE w.project_id = ANY(%s::bigint[])
    GROUP BY w.project_id, w.resource
) n WHERE l.project_id = n.project_id AND l.resource = n.resource AND l.counted"""

_CAPACITIES = """
UPDATE capacities h SET used = n.used, reserved = n.reserved, orphans = n.orphans
FROM (
    SELECT w.host_id, w.resource,
        coalesce((SELECT sum(g.charge) FROM items i JOIN charges g USING (claim_id, key)
            WHERE i.host_id = w.host_id AND g.resource = w.resource AND i.seen), 0) AS used,
        coalesce((SELECT sum(g.charge) FROM items i JOIN charges g USING (claim_id, key)
            WHERE i.host_id = w.host_id AND g.resource = w.resource AND NOT i.seen), 0) AS reserved,
        coalesce((SELECT sum((o.amounts->>w.resource)::bigint) FROM observations o
            WHERE o.host_id = w.host_id AND NOT EXISTS (SELECT FROM items i
                WHERE i.host_id = o.host_id AND i.kind = o.kind AND i.identity = o.identity)), 0) AS orphans
    FROM capacities w WHERE w.host_id = ANY(%s::uuid[])
) n WHERE h.host_id = n.host_id AND h.resource = n.resource"""


def recount_projects(connection: Connection, project_ids: Sequence[int]) -> None:
    """The counters of these projects' limits."""
    connection.execute(_LIMITS, (list(project_ids),))


def recount_hosts(connection: Connection, host_ids: Sequence[UUID]) -> None:
    """The counters of these hosts' capacities."""
    connection.execute(_CAPACITIES, (list(host_ids),))
