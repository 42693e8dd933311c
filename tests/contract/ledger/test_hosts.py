"""Hosts as they are read back."""

from uuid import UUID

import psycopg

from limen.ledger import Ledger
from limen.quota.resources import RESOURCES
from tests.contract.ledger.world import request


def test_the_resources_of_a_host_stand_in_one_order_whatever_postgresql_reads_first(
    ledger: Ledger, demo: str, host: UUID, database_url: str
) -> None:
    """Who compares a host with what it was, as role libvirt_host does, sees changes only."""
    order = [resource for resource in RESOURCES if resource in ("vcpus", "memory", "disk")]
    assert list(ledger.hosts.get(host).resources) == order
    ledger.claims.create(request(demo, host, 2), "ada")
    ledger.hosts.add(host, "test:///0", "host-0", {"disk": 10**12}, "ada")
    # What autovacuum does sooner or later: a table this small is not read by its index any more.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ANALYZE capacities")
    assert list(ledger.hosts.get(host).resources) == order
    assert [list(each.resources) for each in ledger.hosts.list()] == [order]
