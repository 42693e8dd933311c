"""Claims: every change goes through one admission transaction."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from uuid import UUID

from limen.ledger import tickets
from limen.ledger.admission import Reach, Result, read
from limen.ledger.adoption import Adopted, Thing, adopt, find_domain
from limen.ledger.errors import NotFound
from limen.ledger.failures import translated
from limen.ledger.grouping import GroupAdmitter
from limen.ledger.pool import ENTER, Pool
from limen.ledger.rows import CLAIM, claim_from_row
from limen.ledger.transitions import requested_items
from limen.ledger.values import Admitted, Claim, ClaimItem, ClaimRequest, Lapsed
from limen.ledger.view import View
from limen.quota.decide import decide
from limen.quota.model import Amount, Change, Decision, Holder, Standing, check_project_name, check_resource

_SELECT = f"SELECT {CLAIM} FROM claims c JOIN projects p ON p.id = c.project_id"

# Claims that were created in one transaction have one time: the id decides.
_LIST = f"""{_SELECT} LEFT JOIN claims a ON a.id = %(after)s::uuid
WHERE (%(project)s::text IS NULL OR p.name = %(project)s)
  AND (%(visible)s::text[] IS NULL OR p.name = ANY(%(visible)s))
  AND (%(host)s::uuid IS NULL OR EXISTS (
    SELECT FROM items h WHERE h.claim_id = c.id AND h.host_id = %(host)s))
  AND (%(after)s::uuid IS NULL OR c.created < a.created OR (c.created = a.created AND c.id > a.id))
ORDER BY c.created DESC, c.id LIMIT %(limit)s"""

_DEADLINES = """
SELECT claim_id, bool_or(seconds < 0), min(seconds) FILTER (WHERE seconds >= 0) FROM (
    SELECT claim_id, extract(epoch FROM deadline - clock_timestamp())::float8 AS seconds FROM items
    WHERE state IN ('reserved', 'building')) waiting
GROUP BY claim_id ORDER BY claim_id"""

_HOLDERS = """
SELECT c.id::text, c.owner_kind || ' ' || c.owner_name, g.resource, sum(g.charge)::bigint
FROM claims c JOIN projects p ON p.id = c.project_id JOIN items i ON i.claim_id = c.id
JOIN charges g ON g.claim_id = i.claim_id AND g.key = i.key
WHERE g.resource = ANY(%(resources)s::text[])
  AND (p.ancestry && %(projects)s::bigint[] OR i.host_id = ANY(%(hosts)s::uuid[]))
GROUP BY c.id, g.resource HAVING sum(g.charge) > 0
ORDER BY sum(g.charge) DESC, c.id, g.resource LIMIT %(limit)s"""

# Answers are kept for a day: longer than any client goes on repeating itself.
_FORGET_ANSWERS = "DELETE FROM answers WHERE created < clock_timestamp() - interval '1 day'"


class Claims:
    """Create, change, transfer, release, build and read claims. `Busy` can come out of every method."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._admitter = GroupAdmitter(pool)

    def create(self, request: ClaimRequest, actor: str, idempotency_key: str | None = None) -> Admitted:
        """Reserve everything or nothing.

        Raises `Denied`, `NotFound` (project, host), `Conflict` (the id exists, another claim holds a volume,
        or the idempotency key was used for something else). A repeated key returns (or raises) the first
        answer.
        """
        return _admitted(self._admitter.submit(tickets.create(request, actor, idempotency_key)))

    def change(
        self, request: ClaimRequest, generation: int, actor: str, idempotency_key: str | None = None
    ) -> Admitted:
        """Grow: per item and resource max(old, new); items not named stay; another project is a transfer.

        Raises as `create`, and `StaleGeneration`, `FingerprintMismatch`.
        """
        return _admitted(self._admitter.submit(tickets.change(request, generation, actor, idempotency_key)))

    def transfer(
        self, claim_id: UUID, generation: int, project: str, actor: str, idempotency_key: str | None = None
    ) -> Admitted:
        """Move the whole claim to another project, atomically. Raises as `change`."""
        ticket = tickets.transfer(claim_id, generation, project, actor, idempotency_key)
        return _admitted(self._admitter.submit(ticket))

    def release(
        self, claim_id: UUID, generation: int, actor: str, idempotency_key: str | None = None
    ) -> Claim:
        """Give every item up: unbuilt ones go at once, others stay charged until a scan shows nothing.

        A claim that is released already is answered as it is. Raises `NotFound`, `StaleGeneration`.
        """
        return self._admitter.submit(tickets.release(claim_id, generation, actor, idempotency_key)).claim

    def get(self, claim_id: UUID) -> Claim:
        """Raises `NotFound`."""
        rows = self._pool.fetch(f"{_SELECT} WHERE c.id = %s", (claim_id,))
        if not rows:
            raise NotFound(f"there is no claim {claim_id}")
        return claim_from_row(rows[0][0])

    def list(
        self,
        project: str | None = None,
        host: UUID | None = None,
        *,
        visible: Collection[str] | None = None,
        limit: int | None = None,
        after: UUID | None = None,
    ) -> tuple[Claim, ...]:
        """Claims of that project (not of its children) with items on that host, newest first.

        `visible` restricts them to these projects; `limit` is the most to return, `after` the id of the claim
        to go on from. Raises `NotFound` when that one is not there any more.
        """
        if after is not None:
            self.get(after)
        parameters = {"project": project, "host": host, "limit": limit, "after": after}
        rows = self._pool.fetch(_LIST, {**parameters, "visible": None if visible is None else [*visible]})
        return tuple(claim_from_row(row[0]) for row in rows)

    def explain(self, request: ClaimRequest) -> Decision:
        """What `create`, or `change` where the claim exists, would decide now.

        Changes nothing, locks nothing. Raises `NotFound`.
        """
        items = requested_items(request)
        check_project_name(request.project)
        reach = Reach(
            projects=[request.project],
            resources=sorted({resource for item in items for resource in item.amounts}),
            hosts=sorted({item.host for item in items}),
            claims=[request.id],
        )
        view = self._look(reach)
        claim = view.claims.get(request.id)
        after = items if claim is None else tickets.grown_charge(claim, items)
        return view.decide(request.project, claim, after)

    def explain_amounts(self, project: str, amounts: Mapping[str, Amount]) -> Decision:
        """Whether these amounts more would fit the project; hosts and bounds are left aside.

        Raises `NotFound`.
        """
        resources = [check_resource(resource) for resource in amounts]
        view = self._look(Reach(projects=[check_project_name(project)], resources=resources))
        changes = []
        standings = []
        for scope in view.project(project).scopes:
            for resource, amount in amounts.items():
                changes.append(Change(scope.id, resource, 0, amount))
                standings.append(view.standings.get((scope.id, resource)) or Standing(scope, resource, None))
        return decide(changes, standings, view.now)

    def admit_item(
        self,
        claim_id: UUID,
        key: str,
        amounts: Mapping[str, int],
        host: UUID,
        actor: str,
        fence: int | None = None,
        idempotency_key: str | None = None,
    ) -> ClaimItem:
        """Begin to build an item: it is `building`, claimed is lowered to exactly `amounts`, `fence` is new.

        A caller that names the fence it holds keeps it. Raises `NotAdmitted` when the item is missing,
        lapsing, on another host, reserved for less, or when `fence` is not the newest; `NotFound` for the
        claim.
        """
        ticket = tickets.admit(claim_id, key, amounts, host, fence, actor, idempotency_key)
        item = self._admitter.submit(ticket).claim.item(key)
        if item is None:
            raise AssertionError("an admitted item is there")
        return item

    def settle_item(self, claim_id: UUID, key: str, actor: str, fence: int | None = None) -> ClaimItem | None:
        """Give one item up; None when nothing of it is left.

        Its charge goes when a scan begun later shows nothing. With a `fence` that is not the newest nothing
        is changed, and the item that comes back is not `released`. Raises `NotFound` for the claim.
        """
        return self._admitter.submit(tickets.settle(claim_id, key, fence, actor)).claim.item(key)

    def lower_item(
        self, claim_id: UUID, key: str, amounts: Mapping[str, int], actor: str
    ) -> ClaimItem | None:
        """Claim no more of one item than `amounts`; None when the claim does not hold it.

        Raises `NotFound`.
        """
        return self._admitter.submit(tickets.lower(claim_id, key, amounts, actor)).claim.item(key)

    def adopt(
        self, thing: Thing, project: str, actor: str, *, disks: bool = False, judge_only: bool = False
    ) -> Adopted:
        """Charge an orphan to a project; see `adoption.adopt`."""
        return adopt(self._pool, thing, project, actor, disks=disks, judge_only=judge_only)

    def find_domain(self, domain: str, host: UUID | None) -> Thing:
        """A domain to adopt; see `adoption.find_domain`."""
        return find_domain(self._pool, domain, host)

    def heartbeat(self, claim_id: UUID, fences: Iterable[int]) -> datetime | None:
        """Move deadlines to two minutes hence: of what these builders hold, and of what nobody builds yet.

        Returns the deadline, None when there was nothing to move. Raises `NotFound`.
        """
        held = frozenset(fences)
        claim = self._admitter.submit(tickets.beat(claim_id, held)).claim
        moved = [
            item.deadline
            for item in claim.items
            if item.deadline is not None
            and (item.state == "reserved" or (item.state == "building" and item.fence in held))
        ]
        return max(moved, default=None)

    def lapse(self) -> Lapsed:
        """Turn overdue reservations into lapsing ones, and say when to look again."""
        rows = self._pool.fetch(_DEADLINES)
        overdue = [claim_id for claim_id, late, _ in rows if late]
        if overdue:
            self._admitter.submit_all([tickets.lapse(claim_id) for claim_id in overdue])
        seconds = [seconds for _, _, seconds in rows if seconds is not None]
        return Lapsed(len(overdue), min(seconds, default=None))

    def forget_answers(self) -> None:
        """Drop idempotent answers older than a day (call it now and then)."""
        with self._pool.transaction("limen_admit", ENTER) as connection:
            connection.execute(_FORGET_ANSWERS)

    def holders(
        self, scope_ids: Iterable[str], resources: Iterable[str], limit: int = 20
    ) -> tuple[Holder, ...]:
        """Who holds most of these resources in these scopes (ids of projects and hosts)."""
        ids = list(scope_ids)
        parameters = {
            "projects": [int(each) for each in ids if each.isdecimal()],
            "hosts": [UUID(each) for each in ids if not each.isdecimal()],
            "resources": list(resources),
            "limit": limit,
        }
        return tuple(Holder(*row) for row in self._pool.fetch(_HOLDERS, parameters))

    def _look(self, reach: Reach) -> View:
        with translated(), self._pool.connection() as connection, connection.pipeline():
            connection.execute("BEGIN READ ONLY")
            connection.execute(ENTER, self._pool.locals("limen_read"))
            view = read(connection, reach)
            connection.execute("COMMIT")
            return view


def _admitted(result: Result) -> Admitted:
    if result.decision is None:
        raise AssertionError("a change is decided about")
    return Admitted(result.claim, result.decision, result.replayed)
