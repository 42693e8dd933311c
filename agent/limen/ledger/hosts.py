"""Hosts and their capacity."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from limen.ledger.admission import Reach, read, write
from limen.ledger.audit import record
from limen.ledger.document import Document
from limen.ledger.errors import Conflict, Invalid, NotFound
from limen.ledger.pool import ENTER_EXCLUSIVE, Connection, Pool
from limen.ledger.recount import recount_hosts
from limen.ledger.transitions import with_items
from limen.ledger.values import AdmittedDomain, Host, HostResource, Owner
from limen.quota.capacity import host_limit, parse_ratio
from limen.quota.model import check_resource
from limen.quota.resources import resource_rank

_SELECT = """
SELECT h.id, h.name, h.uri, h.scanned, h.created, (
    SELECT json_agg(json_build_array(resource, capacity, reserve, overcommit::text, allowed, used,
        reserved, orphans))
    FROM capacities c WHERE c.host_id = h.id), h.reported, clock_timestamp() - h.reported, h.agent_url
FROM hosts h"""

_PUT = """
INSERT INTO hosts (id, name, uri) VALUES (%s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, uri = excluded.uri"""

_PUT_CAPACITY = """
INSERT INTO capacities AS c (host_id, resource, capacity, reserve, overcommit)
VALUES (%(host)s, %(resource)s, %(capacity)s, coalesce(%(reserve)s::bigint, 0),
    coalesce(%(ratio)s::numeric, 1))
ON CONFLICT (host_id, resource) DO UPDATE SET capacity = excluded.capacity,
    reserve = coalesce(%(reserve)s::bigint, c.reserve),
    overcommit = coalesce(%(ratio)s::numeric, c.overcommit)"""


# What has lapsed or was released may be there still, but nobody may start it again.
_ADMITTED = """
SELECT i.uuid, i.name, i.claim_id, p.name, c.owner_kind, c.owner_name, (
    SELECT json_object_agg(g.resource, g.claimed) FROM charges g
    WHERE g.claim_id = i.claim_id AND g.key = i.key AND g.claimed > 0)
FROM items i JOIN claims c ON c.id = i.claim_id JOIN projects p ON p.id = c.project_id
WHERE i.host_id = %(host)s AND i.kind = 'vm' AND i.state <> 'lapsing'
    AND (%(domain)s::uuid IS NULL OR i.uuid = %(domain)s)
ORDER BY i.uuid"""


class Hosts:
    """Register, read and forget hosts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def add(
        self,
        host_id: UUID,
        uri: str,
        name: str,
        capacity: Mapping[str, int],
        actor: str,
        reserve: Mapping[str, int] | None = None,
        overcommit: Mapping[str, Decimal | str | int] | None = None,
    ) -> Host:
        """Register a host, or bring what is known of it up to date (what is left out of an update stays).

        A resource the host has no capacity of is denied there. Raises `Conflict` for a name taken,
        `InvalidAmount`, `InvalidResource`, `Invalid` for a reserve or ratio of what it has no capacity of.
        """
        reserve, overcommit = reserve or {}, overcommit or {}
        for resource in {*capacity, *reserve, *overcommit}:
            check_resource(resource)
        for resource, amount in capacity.items():
            host_limit(amount, overcommit.get(resource, 1), reserve.get(resource, 0))
        with self._pool.transaction("limen_admin", ENTER_EXCLUSIVE) as connection:
            taken = connection.execute(
                "SELECT FROM hosts WHERE name = %s AND id <> %s", (name, host_id)
            ).fetchone()
            if taken is not None:
                raise Conflict(f"there is a host {name} already: give this one another name")
            capacity = {**_known_capacity(connection, host_id, {*reserve, *overcommit}), **capacity}
            if unknown := sorted({*reserve, *overcommit} - capacity.keys()):
                raise Invalid(
                    f"the host has no capacity of {', '.join(unknown)} to keep free or overcommit: "
                    "say how much there is"
                )
            connection.execute(_PUT, (host_id, name, uri))
            for resource, amount in sorted(capacity.items()):
                connection.execute(
                    _PUT_CAPACITY,
                    {
                        "host": host_id,
                        "resource": resource,
                        "capacity": amount,
                        "reserve": reserve.get(resource),
                        "ratio": _ratio(overcommit.get(resource)),
                    },
                )
            recount_hosts(connection, [host_id])
            detail = {"host": str(host_id), "name": name, "uri": uri, "capacity": dict(capacity)}
            record(connection, actor, "host.add", detail)
            return _get(connection, "h.id = %s", host_id)

    def list(self) -> tuple[Host, ...]:
        """Every host, by name."""
        return tuple(_host(row) for row in self._pool.fetch(f"{_SELECT} ORDER BY h.name"))

    def get(self, host: UUID | str) -> Host:
        """By id, or by name. Raises `NotFound`."""
        column = "id" if isinstance(host, UUID) else "name"
        rows = self._pool.fetch(f"{_SELECT} WHERE h.{column} = %s", (host,))
        if not rows:
            raise NotFound(f"there is no host {host}: add it with `limen host add`")
        return _host(rows[0])

    def put_agent(self, host_id: UUID, url: str | None, actor: str) -> Host:
        """Say where the host's agent is reached, None: nowhere. Raises `NotFound`."""
        with self._pool.transaction("limen_admin") as connection:
            connection.execute("UPDATE hosts SET agent_url = %s WHERE id = %s", (url, host_id))
            host = _get(connection, "h.id = %s", host_id)
            record(connection, actor, "host.agent", {"host": str(host_id), "name": host.name, "url": url})
            return host

    def admitted(self, host_id: UUID, domain: UUID | None = None) -> tuple[AdmittedDomain, ...]:
        """The domains that somebody was admitted for here, by UUID; of one `domain` only, if it is given."""
        rows = self._pool.fetch(_ADMITTED, {"host": host_id, "domain": domain})
        return tuple(
            AdmittedDomain(uuid, name, claim, project, Owner(kind, owner), amounts or {})
            for uuid, name, claim, project, kind, owner, amounts in rows
        )

    def forget(self, host_id: UUID, actor: str) -> None:
        """End a dead host's charges: its items, observations and itself go. Raises `NotFound`."""
        with self._pool.transaction("limen_admin", ENTER_EXCLUSIVE) as connection:
            host = _get(connection, "h.id = %s", host_id)
            rows = connection.execute("SELECT DISTINCT claim_id FROM items WHERE host_id = %s", (host_id,))
            view = read(connection, Reach(claims=[row[0] for row in rows.fetchall()]))
            document = Document()
            ended = {}
            for claim in tuple(view.claims.values()):
                left = [item for item in claim.items if item.host != host_id]
                view.put(claim, with_items(claim, left, view.now))
                ended[str(claim.id)] = [item.key for item in claim.items if item.host == host_id]
            document.add_changes(view)
            write(connection, document, view)
            connection.execute("DELETE FROM hosts WHERE id = %s", (host_id,))
            detail = {"host": str(host_id), "name": host.name, "ended": ended}
            record(connection, actor, "host.forget", detail)


def _known_capacity(connection: Connection, host_id: UUID, resources: set[str]) -> dict[str, int]:
    """What is known of these resources from before: of devices an update need not say it again."""
    rows = connection.execute(
        "SELECT resource, capacity FROM capacities WHERE host_id = %s AND resource = ANY(%s)",
        (host_id, sorted(resources)),
    )
    return dict(rows.fetchall())


def _get(connection: Connection, condition: str, value: UUID) -> Host:
    row = connection.execute(f"{_SELECT} WHERE {condition}", (value,)).fetchone()
    if row is None:
        raise NotFound(f"there is no host {value}: add it with `limen host add`")
    return _host(row)


def _ratio(value: Decimal | str | int | None) -> Decimal | None:
    if value is None:
        return None
    ratio = parse_ratio(value)
    return Decimal(ratio.numerator) / Decimal(ratio.denominator)


def _host(row: tuple[Any, ...]) -> Host:
    identifier, name, uri, scanned, created, resources, reported, silence, agent_url = row
    return Host(
        identifier,
        name,
        uri,
        {
            resource: HostResource(capacity, reserve, Decimal(overcommit).normalize(), *counters)
            for resource, capacity, reserve, overcommit, *counters in sorted(
                resources or (), key=lambda row: resource_rank(row[0])
            )
        },
        scanned,
        created,
        reported,
        silence,
        agent_url,
    )
