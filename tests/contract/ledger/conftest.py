"""One project `demo` below `team`, with limits that four machines just fit in, and one host."""

from uuid import UUID

import pytest

from limen.ledger import Ledger
from tests.contract.ledger.world import add_host, limits


@pytest.fixture
def host(ledger: Ledger) -> UUID:
    """A host with room for plenty."""
    return add_host(ledger)


@pytest.fixture
def demo(ledger: Ledger, host: UUID) -> str:
    """Name of a project for four machines; its parent `team` has room for six."""
    ledger.projects.create("team", None, "ada")
    ledger.projects.create("demo", "team", "ada")
    ledger.limits.put("team", limits(6), "ada")
    ledger.limits.put("demo", limits(4), "ada")
    return "demo"
