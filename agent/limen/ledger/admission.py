"""The admission transaction: enter, lock, read; decide; write, commit.

Two round trips, any number of tickets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors

from limen.ledger.document import Document
from limen.ledger.errors import Conflict, Denied
from limen.ledger.failures import translate
from limen.ledger.pool import BEGIN, ENTER_SHARED, Connection, Pool
from limen.ledger.rows import claim_from_row, claim_to_row
from limen.ledger.statements import LOCK, LOCK_CLAIMS, READ
from limen.ledger.tickets import Ticket
from limen.ledger.values import Claim
from limen.ledger.view import View
from limen.quota.decision_json import DecisionJson
from limen.quota.errors import LimenError
from limen.quota.explain import explanation
from limen.quota.model import Decision

_ATTEMPTS = 3
_STARTS_AGAIN = frozenset({"claims_pkey", "answers_pkey"})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a ticket that was not refused."""

    claim: Claim
    decision: Decision | DecisionJson | None
    replayed: bool = False


Outcome = Result | LimenError


@dataclass(frozen=True, slots=True)
class Reach:
    """What a transaction locks and reads: parameters of the LOCK and READ statements."""

    projects: Sequence[str] = ()
    resources: Sequence[str] = ()
    hosts: Sequence[str] = ()
    claims: Sequence[UUID] = ()
    new: Sequence[UUID] = ()
    answers: Sequence[tuple[UUID, str]] = ()

    @classmethod
    def of(cls, tickets: Iterable[Ticket]) -> "Reach":
        """The union of what the tickets need."""
        projects: set[str] = set()
        resources: set[str] = set()
        hosts: set[str] = set()
        claims: set[UUID] = set()
        new: set[UUID] = set()
        answers: list[tuple[UUID, str]] = []
        for ticket in tickets:
            projects.update(ticket.projects)
            resources |= ticket.resources
            hosts |= ticket.hosts
            (claims if ticket.existing else new).add(ticket.claim_id)
            if ticket.key is not None:
                answers.append((ticket.claim_id, ticket.key))
        return cls(list(projects), list(resources), list(hosts), list(claims), list(new - claims), answers)

    def parameters(self) -> dict[str, Any]:
        return {
            "projects": list(self.projects),
            "resources": list(self.resources),
            "hosts": list(self.hosts),
            "claims": list(self.claims),
            "new": list(self.new),
            "answer_claims": [claim_id for claim_id, _ in self.answers],
            "answer_keys": [key for _, key in self.answers],
        }


def admit(pool: Pool, tickets: Sequence[Ticket]) -> list[Outcome]:
    """Decide about every ticket in one transaction. Raises `Busy` and `Unavailable`, for all of them alike.

    With one ticket, a `Conflict` that only the database can see is its outcome; with several it is raised,
    since the statement that failed was everybody's.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with pool.connection() as connection:
                return _admit(connection, pool, tickets)
        except errors.UniqueViolation as error:
            # Another transaction created this claim, or answered under this key, since we read: look again.
            if error.diag.constraint_name not in _STARTS_AGAIN or attempt == _ATTEMPTS:
                raise translate(error) from error
        except psycopg.Error as error:
            raise translate(error) from error
    raise AssertionError("unreachable")


def lock_and_read(connection: Connection, reach: Reach) -> View:
    """Inside a pipeline, after an ENTER statement: take the locks of `reach` and read what is under them."""
    parameters = reach.parameters()
    if reach.claims:
        connection.execute(LOCK_CLAIMS, parameters)
    connection.execute(LOCK[bool(reach.claims)], parameters)
    return read(connection, reach)


def read(connection: Connection, reach: Reach) -> View:
    """What `reach` takes in, as it is now."""
    cursor = connection.execute(READ[bool(reach.claims), bool(reach.answers)], reach.parameters())
    row = cursor.fetchone()
    if row is None:
        raise AssertionError("a SELECT without FROM has one row")
    return View(row)


def write(connection: Connection, document: Document, view: View) -> None:
    """Send what `document` holds, if anything."""
    statement = document.statement(view)
    if statement is not None:
        connection.execute(*statement)


def _admit(connection: Connection, pool: Pool, tickets: Sequence[Ticket]) -> list[Outcome]:
    with connection.pipeline():
        connection.execute(BEGIN)
        connection.execute(ENTER_SHARED, pool.locals("limen_admit"))
        view = lock_and_read(connection, Reach.of(tickets))
        document = Document()
        outcomes = [_outcome(ticket, view, document) for ticket in tickets]
        document.add_changes(view)
        write(connection, document, view)
        connection.execute("COMMIT")
    return outcomes


def _outcome(ticket: Ticket, view: View, document: Document) -> Outcome:
    """Decide about one ticket; whatever it is refused for leaves the view as it was."""
    if ticket.key is not None and (ticket.claim_id, ticket.key) in view.answers:
        return _replay(ticket, *view.answers[ticket.claim_id, ticket.key])
    try:
        step = ticket.plan(view)
    except LimenError as error:
        return error
    outcome: Outcome
    decision = None
    if step.decision is not None and not step.decision.allowed:
        decision = explanation(step.decision)
        outcome = Denied(decision)
        _audit(document, ticket, step.decision.project, False, dict(decision))
    else:
        if ticket.key is not None and step.decision is not None:
            decision = explanation(step.decision)  # drawn up once, to be kept and to be answered
        outcome = Result(step.after, decision or step.decision)
        if step.after is not step.before:
            view.put(step.before, step.after)
        if step.detail is not None:
            warnings = [] if step.decision is None else [_warning(line) for line in step.decision.warnings]
            detail = {**step.detail, "warnings": warnings} if warnings else step.detail
            _audit(document, ticket, step.after.project, True, detail)
    if ticket.key is not None:
        answer = {
            "claim": None if isinstance(outcome, Denied) else claim_to_row(step.after),
            "decision": decision,
        }
        # What is kept must read back as what was sent: through JSON at once.
        view.answers[ticket.claim_id, ticket.key] = (ticket.request, answer)
        document.add(
            "answers",
            {
                "claim_id": str(ticket.claim_id),
                "key": ticket.key,
                "request": ticket.request,
                "answer": answer,
            },
        )
    return outcome


def _replay(ticket: Ticket, request: str, answer: dict[str, Any]) -> Outcome:
    if request != ticket.request:
        return Conflict(
            "this Idempotency-Key was used for another request: send a new one with a new request"
        )
    if answer["claim"] is None:
        return Denied(answer["decision"])
    return Result(claim_from_row(answer["claim"]), answer["decision"], replayed=True)


def _audit(
    document: Document, ticket: Ticket, project: str | None, allowed: bool, detail: dict[str, Any]
) -> None:
    document.add(
        "audit",
        {
            "actor": ticket.actor,
            "action": ticket.action,
            "project": project,
            "claim_id": str(ticket.claim_id),
            "allowed": allowed,
            "detail": detail,
        },
    )


def _warning(line: Any) -> dict[str, Any]:
    return {"scope": line.standing.scope.name, "resource": line.standing.resource, "reason": line.reason}
