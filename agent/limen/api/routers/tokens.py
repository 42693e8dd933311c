"""API tokens."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter

from limen.api.answering import answering
from limen.api.context import Caller, PartsIn, find_host
from limen.api.problems import InvalidRequest
from limen.api.schemas import answers
from limen.api.schemas.access import IssuedToken, NewToken, token_json
from limen.api.schemas.fields import Json
from limen.ledger.errors import NotFound

router = APIRouter(prefix="/api/tokens", tags=["tokens"])


@router.post("", **answering(answers.IssuedToken, 201))
def create_token(body: NewToken, caller: Caller, parts: PartsIn) -> IssuedToken:
    """Issue a token; its secret is in this answer only."""
    caller.require_administrator("admin")
    host = None if body.host is None else find_host(parts.ledger, body.host).id
    lifetime = timedelta(seconds=body.ttl_seconds)
    token, secret = parts.ledger.tokens.issue(
        body.user, body.scopes, body.projects, lifetime, actor=caller.user, host=host
    )
    return IssuedToken(id=str(token.id), token=secret, expires=token.expires)


@router.get("", **answering(list[answers.Token]))
def list_tokens(caller: Caller, parts: PartsIn) -> list[Json]:
    """Every token for administrators, the caller's own for others; never their secrets."""
    user = None if _manages_tokens(caller) else caller.user
    return [token_json(token) for token in parts.ledger.tokens.list(user)]


@router.delete("/{token_id}", status_code=204)
def revoke_token(token_id: str, caller: Caller, parts: PartsIn) -> None:
    """Refuse a token from now on; anyone may revoke their own."""
    try:
        token = UUID(token_id)
    except ValueError as error:
        raise InvalidRequest("A token's id is a UUID: see `limen token list`.") from error
    own = {each.id for each in parts.ledger.tokens.list(caller.user)}
    if not _manages_tokens(caller) and token not in own:
        raise NotFound("There is no such token of yours: see `limen token list`.")
    parts.ledger.tokens.revoke(token, actor=caller.user)


def _manages_tokens(caller: Caller) -> bool:
    return caller.sees_everything and "admin" in caller.identity.scopes
