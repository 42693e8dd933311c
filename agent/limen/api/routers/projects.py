"""Projects, their limits, their bounds and how they stand."""

from fastapi import APIRouter

from limen.api.answering import answering
from limen.api.context import Caller, PartsIn
from limen.api.schemas import answers
from limen.api.schemas.fields import Json
from limen.api.schemas.projects import (
    BoundsDocument,
    LimitsIn,
    MovedProject,
    NewProject,
    project_json,
    quota_json,
)

router = APIRouter(prefix="/api/projects", tags=["projects"])


@router.post("", **answering(answers.Project, 201))
def create_project(body: NewProject, caller: Caller, parts: PartsIn) -> Json:
    """By an owner of the parent; at the top, by an administrator."""
    if body.parent is None:
        caller.require_administrator("projects:write")
    else:
        caller.require_scope("projects:write")
        caller.require_role(body.parent, "owner")
    return project_json(parts.ledger.projects.create(body.name, body.parent, actor=caller.user))


@router.get("", **answering(list[answers.Project]))
def list_projects(caller: Caller, parts: PartsIn) -> list[Json]:
    """The projects that the caller sees, by name."""
    caller.require_scope("quota:read")
    return [project_json(each) for each in parts.ledger.projects.list() if caller.sees(each.name)]


@router.get("/{project}", **answering(answers.Project))
def get_project(project: str, caller: Caller, parts: PartsIn) -> Json:
    caller.require_scope("quota:read")
    caller.require_role(project, "viewer")
    return project_json(parts.ledger.projects.get(project))


@router.patch("/{project}", **answering(answers.Project))
def move_project(project: str, body: MovedProject, caller: Caller, parts: PartsIn) -> Json:
    """By an administrator: a move is no admission and may leave the new ancestors over their limits."""
    caller.require_administrator("projects:write")
    return project_json(parts.ledger.projects.move(project, body.parent, actor=caller.user))


@router.delete("/{project}", status_code=204)
def delete_project(project: str, caller: Caller, parts: PartsIn) -> None:
    caller.require_scope("projects:write")
    _require_parent_owner(project, caller, parts)
    parts.ledger.projects.delete(project, actor=caller.user)


@router.put("/{project}/limits", **answering(answers.Quota))
def set_limits(project: str, body: LimitsIn, caller: Caller, parts: PartsIn) -> Json:
    """Change the limits of the named resources; answers how the project stands."""
    caller.require_scope("limits:write")
    _require_parent_owner(project, caller, parts)
    parts.ledger.limits.put(project, body.limits, actor=caller.user)
    return _quota(project, parts)


@router.put("/{project}/bounds", **answering(answers.Quota))
def set_bounds(project: str, body: BoundsDocument, caller: Caller, parts: PartsIn) -> Json:
    """Change the bounds of the named resources; answers how the project stands."""
    caller.require_scope("limits:write")
    _require_parent_owner(project, caller, parts)
    parts.ledger.limits.put_bounds(project, body.bounds, actor=caller.user)
    return _quota(project, parts)


@router.get("/{project}/quota", **answering(answers.Quota))
def get_quota(project: str, caller: Caller, parts: PartsIn) -> Json:
    """Limits, what is used, reserved and left, and the project's claims."""
    caller.require_scope("quota:read")
    caller.require_role(project, "viewer")
    return _quota(project, parts)


def _require_parent_owner(project: str, caller: Caller, parts: PartsIn) -> None:
    """A project's own owner never sets its limits."""
    if not caller.sees_everything:
        caller.require_role(project, "viewer")
        caller.require_parent_owner(project, parts.ledger.projects.get(project).parent)


def _quota(project: str, parts: PartsIn) -> Json:
    return quota_json(parts.ledger.limits.quota(project))
