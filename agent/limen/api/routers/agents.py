"""What a host's agent asks and tells, with a token that is good for that host alone."""

from uuid import UUID

from fastapi import APIRouter

from limen.api.answering import answering, document
from limen.api.context import HostAgent, PartsIn, find_host
from limen.api.observation import take_in
from limen.api.problems import InvalidRequest
from limen.api.schemas import answers
from limen.api.schemas.agents import Report, admitted_json, clock_json, projects_json
from limen.api.schemas.fields import Json
from limen.ledger.errors import NotFound

router = APIRouter(prefix="/api/hosts/{host}", tags=["agents"])


@router.get("/clock", **answering(answers.Clock))
def clock(host: str, agent: HostAgent, parts: PartsIn) -> Json:
    """The ledger's clock: read it before libvirt is asked, and send it with what libvirt showed."""
    found = find_host(parts.ledger, host)
    agent.require_host(found.id)
    return clock_json(parts.ledger.observations.begin_scan(found.id))


@router.post("/observations", **answering(answers.ScanResult))
def report(host: str, body: Report, agent: HostAgent, parts: PartsIn) -> Json:
    """Take in a scan as if limen-api had made it. `applied` false: a later scan was there before it."""
    found = find_host(parts.ledger, host)
    agent.require_host(found.id)
    parts.ledger.observations.check_begun(body.begun)
    things = [thing.seen() for thing in body.things]
    result = take_in(parts.ledger, found.id, things, body.unseen_pools, body.begun, f"agent of {found.name}")
    parts.ledger.observations.note_report(found.id)
    parts.observers.note_report(found.id)
    parts.metrics.note_report(found.name)
    return {
        "applied": result.applied,
        "committed": result.committed,
        "removed": result.removed,
        "changed": result.changed,
        "orphans": result.orphans,
    }


@router.get("/admitted", **answering(answers.AdmittedDomains))
def list_admitted(host: str, agent: HostAgent, parts: PartsIn) -> object:
    """Every domain that somebody was admitted for on this host, with what was admitted."""
    found = find_host(parts.ledger, host)
    agent.require_host(found.id)
    domains = [admitted_json(each) for each in parts.ledger.hosts.admitted(found.id)]
    return document({"host": str(found.id), "name": found.name, "domains": domains})


@router.get("/projects", **answering(answers.HostProjects))
def list_projects(host: str, agent: HostAgent, parts: PartsIn) -> object:
    """Limits and charges of each project that holds something on this host, wherever its things are."""
    found = find_host(parts.ledger, host)
    agent.require_host(found.id)
    standings = parts.ledger.limits.on_host(found.id)
    return document({"host": str(found.id), "projects": projects_json(standings)})


@router.get("/admitted/{domain}", **answering(answers.AdmittedDomain))
def get_admitted(host: str, domain: str, agent: HostAgent, parts: PartsIn) -> object:
    """The same of one domain, by its UUID; 404 where nobody was admitted for it."""
    try:
        identifier = UUID(domain)
    except ValueError as error:
        raise InvalidRequest("A domain is asked for by its UUID: check the address.") from error
    found = find_host(parts.ledger, host)
    agent.require_host(found.id)
    admitted = parts.ledger.hosts.admitted(found.id, identifier)
    if not admitted:
        raise NotFound(f"nobody was admitted for a domain {identifier} on host {found.name}")
    return document(admitted_json(admitted[0]))
