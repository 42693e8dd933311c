"""Hosts: register, look, scan, forget."""

import re
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from limen.api.access import Access
from limen.api.answering import answering
from limen.api.context import Caller, Parts, PartsIn, find_host
from limen.api.schemas import answers
from limen.api.schemas.agents import AgentIn
from limen.api.schemas.fields import Json
from limen.api.schemas.hosts import NewHost, ScanIn, host_json
from limen.api.waiting import scan_within
from limen.hypervisor.capabilities import capacity
from limen.hypervisor.connection import connect, host_uuid
from limen.ledger.values import Host

router = APIRouter(prefix="/api/hosts", tags=["hosts"])
_FIRST_SCAN_SECONDS = 20.0


@dataclass(frozen=True)
class _Met:
    """What a host said when it was first connected to."""

    id: UUID
    hostname: str
    capacity: dict[str, int]


@router.post("", **answering(answers.Host, 201))
async def add_host(body: NewHost, caller: Caller, parts: PartsIn) -> Json:
    """Connect, read UUID and capacity, register, scan. For a known host: bring what is known up to date."""
    caller.require_administrator("hosts:write")
    met = await run_in_threadpool(_meet, body.uri)
    host = await run_in_threadpool(
        parts.ledger.hosts.add,
        met.id,
        body.uri,
        body.name or met.hostname,
        {**met.capacity, **(body.devices or {})},
        caller.user,
        body.reserve,
        body.overcommit,
    )
    await run_in_threadpool(parts.observers.refresh)
    await scan_within(parts, host.id, _FIRST_SCAN_SECONDS)
    return await run_in_threadpool(_host_json, parts, caller, str(host.id))


@router.get("", **answering(list[answers.Host]))
def list_hosts(caller: Caller, parts: PartsIn) -> list[Json]:
    """Every host with its capacity; one that does not answer is `reachable: false` and keeps its charges."""
    caller.require_scope("quota:read")
    return [_json(parts, caller, host) for host in parts.ledger.hosts.list()]


@router.get("/{host}", **answering(answers.Host))
def get_host(host: str, caller: Caller, parts: PartsIn) -> Json:
    """By UUID or name."""
    caller.require_scope("quota:read")
    return _host_json(parts, caller, host)


@router.post("/{host}/scan", **answering(answers.Host))
async def scan_host(host: str, body: ScanIn, caller: Caller, parts: PartsIn) -> Json:
    """Wait for a scan that begins after this call."""
    caller.require_scope("claims:write" if not caller.sees_everything else "quota:read")
    found = await run_in_threadpool(find_host, parts.ledger, host)
    problem = await scan_within(parts, found.id, body.wait_seconds)
    if problem is not None:
        raise problem
    return await run_in_threadpool(_host_json, parts, caller, str(found.id))


@router.put("/{host}/agent", **answering(answers.Host))
def put_agent(host: str, body: AgentIn, caller: Caller, parts: PartsIn) -> Json:
    """Say where limen-api reaches the host's agent."""
    caller.require_administrator("hosts:write")
    found = parts.ledger.hosts.put_agent(find_host(parts.ledger, host).id, body.url, caller.user)
    return _json(parts, caller, found)


@router.delete("/{host}", status_code=204)
def forget_host(host: str, caller: Caller, parts: PartsIn) -> None:
    """End a dead host's charges; audited. A host that still runs should be emptied instead."""
    caller.require_administrator("hosts:write")
    parts.ledger.hosts.forget(find_host(parts.ledger, host).id, actor=caller.user)
    parts.observers.refresh()


def _meet(uri: str) -> _Met:
    with connect(uri) as connection:
        hostname = str(connection.run(lambda handle: handle.getHostname()))
        return _Met(UUID(host_uuid(connection)), _as_name(hostname), dict(capacity(connection).amounts))


def _as_name(hostname: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", hostname.lower()).strip("-.")[:63] or "host"


def _host_json(parts: Parts, caller: Access, host: str) -> Json:
    return _json(parts, caller, find_host(parts.ledger, host))


def _json(parts: Parts, caller: Access, host: Host) -> Json:
    return host_json(host, parts.observers.status(host.id), caller.sees_everything)
