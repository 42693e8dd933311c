"""What a route gets handed: the ledger, the observers, the caller."""

from dataclasses import dataclass
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Header, Request

from limen.api.access import Access
from limen.api.agents import Agents
from limen.api.metrics import Metrics
from limen.api.observers import Observers
from limen.api.problems import InvalidRequest
from limen.api.scopes import HOST_SCOPE
from limen.ledger import Ledger
from limen.ledger.errors import Unauthenticated
from limen.ledger.values import Host


@dataclass(frozen=True)
class Parts:
    """The parts of one limen-api process."""

    ledger: Ledger
    observers: Observers
    metrics: Metrics
    agents: Agents


# Async, as is the key: a plain function would be handed to a thread, which costs more than what it does.
async def _parts(request: Request) -> Parts:
    return cast(Parts, request.app.state.parts)


PartsIn = Annotated[Parts, Depends(_parts)]


def _access(
    parts: PartsIn, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> Access:
    kind, _, secret = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("Send a token as `Authorization: Bearer TOKEN`; an administrator issues them.")
    return Access(parts.ledger.tokens.authenticate(secret.strip()))


Anyone = Annotated[Access, Depends(_access)]


async def _person(access: Anyone) -> Access:
    """A host's token opens the few doors that ask for an agent, and no other: not even its own revocation."""
    access.refuse_hosts()
    return access


async def _agent(access: Anyone) -> Access:
    access.require_scope(HOST_SCOPE)
    return access


Caller = Annotated[Access, Depends(_person)]
HostAgent = Annotated[Access, Depends(_agent)]


async def _idempotency_key(
    caller: Caller, idempotency_key: Annotated[str | None, Header(max_length=128)] = None
) -> str | None:
    """The caller's key, apart from every other user's: a key is a name that they chose, not a secret."""
    return None if idempotency_key is None else f"{caller.user}/{idempotency_key}"


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]


def find_host(ledger: Ledger, host: str) -> Host:
    """A registered host by UUID or name; raises NotFound."""
    return ledger.hosts.get(_uuid_or_name(host))


def host_ids(ledger: Ledger, hosts: set[str]) -> dict[str, UUID]:
    """The ids of hosts given by UUID or name; the ledger is asked for names only."""
    ids = {}
    for host in hosts:
        known = _uuid_or_name(host)
        ids[host] = known if isinstance(known, UUID) else ledger.hosts.get(known).id
    return ids


def _uuid_or_name(host: str) -> UUID | str:
    try:
        return UUID(host) if len(host) == 36 else host
    except ValueError:
        return host


def claim_id(text: str) -> UUID:
    """A claim's id out of a path; raises InvalidRequest."""
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidRequest("A claim's id is a UUID: check the address.") from error
