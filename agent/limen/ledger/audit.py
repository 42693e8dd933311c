"""The audit log: it can only be appended to."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from limen.ledger.pool import Pool
from limen.ledger.values import AuditEntry


class Audit:
    """Read the audit log, and append what the ledger does not write by itself."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def list(self, project: str | None = None, limit: int = 100, before: int | None = None) -> tuple[AuditEntry, ...]:
        """Newest first; `project` takes in its descendants; `before` is the id to go on from."""
        raise NotImplementedError

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
        raise NotImplementedError
