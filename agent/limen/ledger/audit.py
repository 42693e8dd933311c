"""The audit log: it can only be appended to, but for denials that are old."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from limen.ledger.errors import Invalid
from limen.ledger.pool import Connection, Pool
from limen.ledger.values import AuditEntry

_LIST = """
SELECT id, at, actor, action, project, claim_id, allowed, detail FROM audit
WHERE (%(project)s::text IS NULL OR project IN (SELECT name FROM projects WHERE %(project)s = ANY(chain))
       OR project = %(project)s)
  AND (%(before)s::bigint IS NULL OR id < %(before)s)
ORDER BY id DESC LIMIT %(limit)s"""


LEAST_AGE = timedelta(days=30)
"""Denials are kept at least this long; the database holds it too."""

_BATCH = 10_000


class Audit:
    """Read the audit log, and append what the ledger does not write by itself."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def list(
        self, project: str | None = None, limit: int = 100, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Newest first; `project` takes in its descendants; `before` is the id to go on from."""
        parameters = {"project": project, "limit": limit, "before": before}
        return tuple(AuditEntry(*row) for row in self._pool.fetch(_LIST, parameters))

    def prune_denials(self, older_than: timedelta, actor: str) -> int:
        """Delete denials older than that, and write down that it was done; returns how many went.

        What was done is never deleted. Raises `Invalid` for an age below 30 days.
        """
        if older_than < LEAST_AGE:
            raise Invalid(f"denials are kept for {LEAST_AGE.days} days at least: give a longer time")
        removed = 0
        while True:
            # In batches, each well within the time that a statement may take.
            with self._pool.transaction("limen_admin") as connection:
                row = connection.execute(
                    "SELECT prune_denials(%s, %s, %s)", (older_than, _BATCH, actor)
                ).fetchone()
            count = 0 if row is None else int(row[0])
            removed += count
            if count < _BATCH:
                return removed

    def append(
        self,
        actor: str,
        action: str,
        detail: Mapping[str, Any],
        project: str | None = None,
        claim: UUID | None = None,
        allowed: bool = True,
    ) -> None:
        """Write one entry (a repair, an import)."""
        with self._pool.transaction("limen_admin") as connection:
            record(connection, actor, action, detail, project, claim, allowed)


def record(
    connection: Connection,
    actor: str,
    action: str,
    detail: Mapping[str, Any],
    project: str | None = None,
    claim: UUID | None = None,
    allowed: bool = True,
) -> None:
    """One entry in the caller's transaction, so that there is no change without it."""
    connection.execute(
        """INSERT INTO audit (actor, action, project, claim_id, allowed, detail)
        VALUES (%s, %s, %s, %s, %s, %s)""",
        (actor, action, project, claim, allowed, json.dumps(detail)),
    )
