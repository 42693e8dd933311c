"""The audit log, newest first."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from limen.api.answering import answering
from limen.api.context import Caller, PartsIn
from limen.api.schemas import answers
from limen.api.schemas.access import PruneIn, audit_json
from limen.api.schemas.fields import Json

router = APIRouter(prefix="/api/audit", tags=["audit"])


@router.get("", **answering(list[answers.AuditEntry]))
def list_audit(
    caller: Caller,
    parts: PartsIn,
    project: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1)] = None,
) -> list[Json]:
    """One project's and those below it; for administrators everything. `before`: older than that id."""
    caller.require_scope("audit:read")
    if project is None:
        caller.require_administrator("audit:read")
    else:
        caller.require_role(project, "viewer")
    return [audit_json(entry) for entry in parts.ledger.audit.list(project, limit, before)]


@router.post("/prune", **answering(answers.Pruned))
def prune_denials(body: PruneIn, caller: Caller, parts: PartsIn) -> Json:
    """Delete old denials; that is audited. What was done stays in the log for good."""
    caller.require_administrator("admin")
    age = timedelta(seconds=body.older_than_seconds)
    return {"removed": parts.ledger.audit.prune_denials(age, caller.user)}
