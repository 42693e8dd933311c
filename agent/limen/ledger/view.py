"""What one admission sees and decides with: the rows that were read under its locks, and what it did since.

Several changes can be decided one after the other against one view; each sees those before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from limen.ledger.errors import NotFound
from limen.ledger.rows import claim_from_row
from limen.ledger.transitions import charged_items
from limen.ledger.values import Claim
from limen.quota.claims import changes_for, increases
from limen.quota.decide import decide, grace_clock
from limen.quota.model import UNLIMITED, Bounds, Decision, Item, Limit, Scope, Standing

Counter = tuple[str, str]  # (scope id, resource)


@dataclass(slots=True)
class Delta:
    """What a counter is to be moved by."""

    used: int = 0
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A project of the tree; `scopes` run from itself upwards."""

    id: int
    name: str
    scopes: tuple[Scope, ...]


class View:
    """Rows of one READ, changed in memory as changes are admitted."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        now, projects, limits, bounds, hosts, capacities, claims, answers = row
        self.now: datetime = now
        self.projects: dict[str, ProjectRow] = {}
        scopes: dict[str, Scope] = {}
        for name, ancestry, chain in projects or ():
            own = tuple(
                scopes.setdefault(str(number), Scope(str(number), "project", title))
                for number, title in zip(ancestry, chain, strict=True)
            )
            self.projects[name] = ProjectRow(ancestry[0], name, own)
        self.hosts: dict[str, Scope] = {i: Scope(i, "host", name) for i, name in hosts or ()}
        self.standings: dict[Counter, Standing] = {}
        for number, resource, hard, soft, grace, since, used, reserved in limits or ():
            self.standings[str(number), resource] = Standing(
                scopes[str(number)],
                resource,
                limit(hard, soft, grace),
                used,
                reserved,
                None if since is None else datetime.fromisoformat(since),
            )
        for host, resource, allowed, used, reserved, orphans in capacities or ():
            self.standings[host, resource] = Standing(
                self.hosts[host], resource, limit(allowed, None, None), used + orphans, reserved
            )
        self._bounds: dict[tuple[str, str], Bounds] = {
            (str(number), resource): Bounds(minimum, maximum, usual)
            for number, resource, minimum, maximum, usual in bounds or ()
        }
        self.claims: dict[UUID, Claim] = {}
        self.known: set[UUID] = set()
        for found in claims or ():
            if isinstance(found, str):
                self.known.add(UUID(found))
            else:
                claim = claim_from_row(found)
                self.claims[claim.id] = claim
                self.known.add(claim.id)
        self.answers: dict[tuple[UUID, str], tuple[str, dict[str, Any]]] = {
            (UUID(claim_id), key): (request, answer) for claim_id, key, request, answer in answers or ()
        }
        self.deltas: dict[Counter, Delta] = {}
        self.touched: dict[UUID, tuple[Claim | None, Claim]] = {}

    def project(self, name: str) -> ProjectRow:
        """Raises `NotFound`."""
        try:
            return self.projects[name]
        except KeyError:
            raise NotFound(f"there is no project {name}: create it, or look for its name") from None

    def claim(self, claim_id: UUID) -> Claim:
        """Raises `NotFound`."""
        try:
            return self.claims[claim_id]
        except KeyError:
            raise NotFound(f"there is no claim {claim_id}") from None

    def bounds(self, project: str) -> dict[str, Bounds]:
        """The per-VM bounds in force: of the project and its ancestors the strictest, the nearest default."""
        result: dict[str, Bounds] = {}
        for scope in self.project(project).scopes:
            for (scope_id, resource), bounds in self._bounds.items():
                if scope_id == scope.id:
                    nearer = result.get(resource)
                    result[resource] = bounds if nearer is None else stricter(nearer, bounds)
        return result

    def decide(self, project: str, before: Claim | None, after: Iterable[Item]) -> Decision:
        """Decide about a claim that would hold `after` in `project`.

        Raises `NotFound` for project and hosts.
        """
        chain = self.project(project).scopes
        held: tuple[Item, ...] = () if before is None else charged_items(before)
        wanted = tuple(after)
        for item in wanted:
            if item.host not in self.hosts:
                raise NotFound(f"there is no host {item.host}: add it with `limen host add`")
        held_in = None
        if before is not None and before.project != project:
            held_in = {scope.id for scope in self.project(before.project).scopes}
        changes = changes_for([scope.id for scope in chain], held, wanted, held_in)
        scopes = {scope.id: scope for scope in chain}
        standings = []
        for change in changes:
            counter = change.scope_id, change.resource
            found = self.standings.get(counter)
            if found is None:
                scope = scopes.get(change.scope_id) or self.hosts[change.scope_id]
                found = Standing(scope, change.resource, None)
            standings.append(found)
        if not standings:  # nothing is charged; the decision still says for whom it is
            standings = [Standing(scope, "vms", None) for scope in chain]
        new = increases(() if held_in is not None else held, wanted) if self._bounds else ()
        return decide(changes, standings, self.now, new, self.bounds(project) if new else None)

    def put(self, before: Claim | None, after: Claim) -> None:
        """Take a change in: its rows are to be written, and later decisions see its charge."""
        if before is not None:
            self._count(before, -1)
        self._count(after, 1)
        first = self.touched[after.id][0] if after.id in self.touched else before
        self.touched[after.id] = (first, after)
        self.claims[after.id] = after
        self.known.add(after.id)

    def _count(self, claim: Claim, sign: int) -> None:
        scopes = self.projects[claim.project].scopes
        for item in claim.items:
            host = str(item.host)
            for resource, amount in item.charge.items():
                if amount:
                    for scope in scopes:
                        self._move((scope.id, resource), sign * amount, item.seen)
                    self._move((host, resource), sign * amount, item.seen)

    def _move(self, counter: Counter, amount: int, seen: bool) -> None:
        standing = self.standings.get(counter)
        if standing is None or not counted(standing.limit):
            return
        used, reserved = standing.used, standing.reserved
        delta = self.deltas.setdefault(counter, Delta())
        if seen:
            used += amount
            delta.used += amount
        else:
            reserved += amount
            delta.reserved += amount
        since = grace_clock(standing.limit, used + reserved, standing.soft_since, self.now)
        self.standings[counter] = standing.with_usage(used, reserved, since)


def counted(limit: Limit | None) -> bool:
    """Whether a limit has a number to compare, and so counters; the same rule as `limits.counted`."""
    return limit is not None and (limit.hard is not UNLIMITED or limit.soft is not None)


@lru_cache(maxsize=4096)
def limit(hard: int | None, soft: int | None, grace: float | None) -> Limit:
    """A limit from its columns; `grace` is in seconds."""
    return Limit(
        UNLIMITED if hard is None else hard, soft, None if grace is None else timedelta(seconds=float(grace))
    )


def stricter(nearer: Bounds, farther: Bounds) -> Bounds:
    """Both bounds at once. Where they exclude each other the farther ones win: they are the parent's."""
    minimum = max((b for b in (nearer.minimum, farther.minimum) if b is not None), default=None)
    maximum = min((b for b in (nearer.maximum, farther.maximum) if b is not None), default=None)
    if minimum is not None and maximum is not None and minimum > maximum:
        minimum, maximum = farther.minimum, farther.maximum
    usual = nearer.default if nearer.default is not None else farther.default
    if usual is not None and minimum is not None:
        usual = max(usual, minimum)
    if usual is not None and maximum is not None:
        usual = min(usual, maximum)
    return Bounds(minimum, maximum, usual)
