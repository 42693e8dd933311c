"""Documents of users, tokens and the audit log."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from limen.api.schemas.fields import Document, Json, ProjectName, Text
from limen.api.scopes import HOST_SCOPE, SCOPES
from limen.ledger.values import AuditEntry, Token, User

MAX_TTL_SECONDS = 366 * 86400


def _known(scope: str) -> str:
    if scope not in (*SCOPES, HOST_SCOPE):
        raise PydanticCustomError("limen", "must be one of {scopes}", {"scopes": ", ".join(SCOPES)})
    return scope


class NewUser(Document):
    name: Text
    administrator: bool = False


class NewToken(Document):
    """`projects` left out: every project that the user may see.

    `host` (id or name): for that host's agent, with the scope `host:report` alone.
    """

    user: Text
    host: Text | None = None
    scopes: Annotated[list[Annotated[str, AfterValidator(_known)]], Field(min_length=1)]
    projects: Annotated[list[ProjectName], Field(min_length=1)] | None = None
    ttl_seconds: Annotated[int, Field(ge=1, le=MAX_TTL_SECONDS)]


class IssuedToken(BaseModel):
    """`token` is shown in this answer only."""

    id: str
    token: str
    expires: datetime


class MemberIn(Document):
    """`role` null takes the role away."""

    role: Literal["viewer", "operator", "owner"] | None


class PruneIn(Document):
    """How old a denial must be to go; 30 days at least."""

    older_than_seconds: Annotated[int, Field(ge=1, le=100 * MAX_TTL_SECONDS)]


def user_json(user: User) -> Json:
    return {
        "name": user.name,
        "administrator": user.administrator,
        "roles": dict(user.roles),
        "created": user.created.isoformat(),
    }


def token_json(token: Token) -> Json:
    return {
        "id": str(token.id),
        "user": token.user,
        "scopes": list(token.scopes),
        "projects": None if token.projects is None else list(token.projects),
        "created": token.created.isoformat(),
        "expires": token.expires.isoformat(),
        "revoked": None if token.revoked is None else token.revoked.isoformat(),
        "host": None if token.host is None else str(token.host),
    }


def audit_json(entry: AuditEntry) -> Json:
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "project": entry.project,
        "claim": None if entry.claim is None else str(entry.claim),
        "allowed": entry.allowed,
        "detail": dict(entry.detail),
    }
