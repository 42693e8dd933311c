"""Limits and per-VM bounds of projects, and how a project stands."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from limen.ledger.audit import record
from limen.ledger.errors import NotFound
from limen.ledger.pool import ENTER_EXCLUSIVE, ENTER_SHARED, Connection, Pool
from limen.ledger.projects import project_row
from limen.ledger.recount import recount_projects
from limen.ledger.rows import CLAIM, claim_from_row
from limen.ledger.values import ProjectQuota, ResourceStanding
from limen.ledger.view import counted, stricter
from limen.ledger.view import limit as limit_of
from limen.quota.model import UNLIMITED, Bounds, Limit, check_resource
from limen.quota.resources import resource_rank

_LOCK = """
SELECT resource, counted FROM limits WHERE project_id = %s AND resource = ANY(%s)
ORDER BY resource FOR UPDATE"""

_PUT = """
INSERT INTO limits AS l (project_id, resource, hard, soft, grace)
VALUES (%(project)s, %(resource)s, %(hard)s, %(soft)s, %(grace)s)
ON CONFLICT (project_id, resource) DO UPDATE SET hard = excluded.hard, soft = excluded.soft,
    grace = excluded.grace,
    used = CASE WHEN excluded.counted THEN l.used ELSE 0 END,
    reserved = CASE WHEN excluded.counted THEN l.reserved ELSE 0 END,
    soft_since = CASE WHEN excluded.soft IS NULL OR l.used + l.reserved <= excluded.soft THEN NULL
        ELSE coalesce(l.soft_since, clock_timestamp()) END"""

_PUT_BOUNDS = """
INSERT INTO bounds (project_id, resource, minimum, maximum, usual) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (project_id, resource) DO UPDATE SET minimum = excluded.minimum, maximum = excluded.maximum,
    usual = excluded.usual"""

# Charges are summed here, not taken from the counters: where there is no number to compare there are none.
_QUOTA = f"""
WITH p AS MATERIALIZED (SELECT id, name, ancestry, chain FROM projects WHERE name = %s),
charged AS MATERIALIZED (
    SELECT g.resource, coalesce(sum(g.charge) FILTER (WHERE i.seen), 0)::bigint AS used,
        coalesce(sum(g.charge) FILTER (WHERE NOT i.seen), 0)::bigint AS reserved
    FROM p JOIN projects d ON d.ancestry @> ARRAY[p.id] JOIN claims c ON c.project_id = d.id
    JOIN items i ON i.claim_id = c.id JOIN charges g ON g.claim_id = i.claim_id AND g.key = i.key
    GROUP BY g.resource
)
SELECT p.chain,
    (SELECT json_agg(json_build_array(resource, l.project_id IS NOT NULL, l.hard, l.soft,
        extract(epoch FROM l.grace), n.used, n.reserved))
        FROM (SELECT * FROM limits WHERE project_id = p.id) l FULL JOIN charged n USING (resource)),
    (SELECT json_agg(json_build_array(resource, soft_since)) FROM limits
        WHERE project_id = p.id AND soft_since IS NOT NULL),
    (SELECT json_agg(json_build_array(u.place, b.resource, b.minimum, b.maximum, b.usual) ORDER BY u.place)
        FROM unnest(p.ancestry) WITH ORDINALITY AS u(id, place) JOIN bounds b ON b.project_id = u.id),
    (SELECT json_agg(claim) FROM (SELECT {CLAIM} AS claim FROM claims c WHERE c.project_id = p.id
        AND c.state = 'held' ORDER BY c.created DESC, c.id) held)
FROM p"""

# The same of every project that holds something on one host, without what only one project is asked for.
_ON_HOST = """
WITH here AS MATERIALIZED (
    SELECT id, name FROM projects p WHERE EXISTS (
        SELECT FROM claims c JOIN items i ON i.claim_id = c.id
        WHERE c.project_id = p.id AND i.host_id = %s)
), charged AS MATERIALIZED (
    SELECT h.id, g.resource, coalesce(sum(g.charge) FILTER (WHERE i.seen), 0)::bigint AS used,
        coalesce(sum(g.charge) FILTER (WHERE NOT i.seen), 0)::bigint AS reserved
    FROM here h JOIN projects d ON d.ancestry @> ARRAY[h.id] JOIN claims c ON c.project_id = d.id
    JOIN items i ON i.claim_id = c.id JOIN charges g ON g.claim_id = i.claim_id AND g.key = i.key
    GROUP BY h.id, g.resource
)
SELECT h.name, (
    SELECT json_agg(json_build_array(resource, l.project_id IS NOT NULL, l.hard, l.soft,
        extract(epoch FROM l.grace), n.used, n.reserved))
    FROM (SELECT * FROM limits WHERE project_id = h.id) l
    FULL JOIN (SELECT * FROM charged WHERE id = h.id) n USING (resource))
FROM here h ORDER BY h.name"""


class Limits:
    """Set and read limits and bounds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def put(self, project: str, limits: Mapping[str, Limit | None], actor: str) -> None:
        """Set the limits of the named resources (None: none set, so nothing may be used); the rest stay.

        Raises `NotFound`, `InvalidResource`.
        """
        for resource in limits:
            check_resource(resource)
        # A row that begins or ceases to be counted changes what admissions lock: they are excluded then.
        for enter in (ENTER_SHARED, ENTER_EXCLUSIVE):
            with self._pool.transaction("limen_admin", enter) as connection:
                project_id, *_ = project_row(connection, project)
                before = _counted(connection, project_id, list(limits))
                changes = {name for name, new in limits.items() if before.get(name, False) != counted(new)}
                if changes and enter is ENTER_SHARED:
                    continue
                for resource in sorted(limits):
                    _put(connection, project_id, resource, limits[resource])
                if changes:
                    recount_projects(connection, [project_id])
                record(
                    connection, actor, "limits.put", {r: _written(new) for r, new in limits.items()}, project
                )
                return

    def put_bounds(self, project: str, bounds: Mapping[str, Bounds | None], actor: str) -> None:
        """Set the per-VM bounds of the named resources (None removes).

        Raises `NotFound`, `InvalidResource`.
        """
        for resource in bounds:
            check_resource(resource)
        with self._pool.transaction("limen_admin", ENTER_SHARED) as connection:
            project_id, *_ = project_row(connection, project)
            for resource, new in sorted(bounds.items()):
                if new is None:
                    connection.execute(
                        "DELETE FROM bounds WHERE project_id = %s AND resource = %s", (project_id, resource)
                    )
                else:
                    connection.execute(
                        _PUT_BOUNDS, (project_id, resource, new.minimum, new.maximum, new.default)
                    )
            detail = {r: None if b is None else [b.minimum, b.maximum, b.default] for r, b in bounds.items()}
            record(connection, actor, "bounds.put", detail, project)

    def quota(self, project: str) -> ProjectQuota:
        """How the project stands: resources that have a limit or a charge. Raises `NotFound`."""
        rows = self._pool.fetch(_QUOTA, (project,))
        if not rows:
            raise NotFound(f"there is no project {project}: create it, or look for its name")
        chain, resources, clocks, bounds, claims = rows[0]
        since = dict(clocks or ())
        standings = _by_rank(_standing(row, since.get(row[0])) for row in resources or ())
        effective, own = _bounds(bounds or ())
        return ProjectQuota(
            project,
            tuple(chain),
            standings,
            effective,
            own,
            tuple(claim_from_row(claim) for claim in claims or ()),
        )

    def on_host(self, host_id: UUID) -> Mapping[str, tuple[ResourceStanding, ...]]:
        """Of each project that holds something on the host, by name: how it stands, wherever its things are.

        `soft_since` is left out.
        """
        return {
            name: _by_rank(_standing(row, None) for row in resources or ())
            for name, resources in self._pool.fetch(_ON_HOST, (host_id,))
        }


def _by_rank(standings: Iterable[ResourceStanding]) -> tuple[ResourceStanding, ...]:
    return tuple(sorted(standings, key=lambda standing: resource_rank(standing.resource)))


def _counted(connection: Connection, project_id: int, resources: list[str]) -> dict[str, bool]:
    return dict(connection.execute(_LOCK, (project_id, resources)).fetchall())


def _put(connection: Connection, project_id: int, resource: str, new: Limit | None) -> None:
    if new is None:
        connection.execute(
            "DELETE FROM limits WHERE project_id = %s AND resource = %s", (project_id, resource)
        )
        return
    connection.execute(
        _PUT,
        {
            "project": project_id,
            "resource": resource,
            "hard": new.hard if isinstance(new.hard, int) else None,
            "soft": new.soft,
            "grace": new.grace,
        },
    )


def _written(new: Limit | None) -> dict[str, Any] | None:
    if new is None:
        return None
    return {
        "hard": str(new.hard) if isinstance(new.hard, int) else "unlimited",
        "soft": None if new.soft is None else str(new.soft),
        "grace_seconds": None if new.grace is None else new.grace.total_seconds(),
    }


def _standing(row: list[Any], since: str | None) -> ResourceStanding:
    resource, is_set, hard, soft, grace, used, reserved = row
    used, reserved = used or 0, reserved or 0
    hard_limit = (UNLIMITED if hard is None else hard) if is_set else None
    left = None if hard_limit is UNLIMITED else max(0, (hard or 0) - used - reserved)
    bound = limit_of(hard, soft, grace) if is_set else None
    return ResourceStanding(
        resource,
        hard_limit,
        soft,
        None if bound is None else bound.grace,
        None if since is None else datetime.fromisoformat(since),
        used,
        reserved,
        left,
    )


def _bounds(rows: Any) -> tuple[dict[str, Bounds], dict[str, Bounds]]:
    effective: dict[str, Bounds] = {}
    own: dict[str, Bounds] = {}
    for place, resource, minimum, maximum, usual in rows:
        found = Bounds(minimum, maximum, usual)
        if place == 1:
            own[resource] = found
        effective[resource] = stricter(effective[resource], found) if resource in effective else found
    return effective, own
