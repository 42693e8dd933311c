"""The checker itself: it names what is made wrong by hand."""

from uuid import UUID

import psycopg
import pytest

from limen.ledger import Ledger
from tests.contract.ledger import journal
from tests.contract.ledger.checker import check
from tests.contract.ledger.world import request


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("UPDATE limits SET reserved = reserved + 1 WHERE resource = 'vms'", "counters"),
        ("UPDATE capacities SET used = used + 1", "counters"),
        ("DELETE FROM charges WHERE resource = 'memory'", "counters"),
        ("UPDATE items SET seen = true WHERE released = false", "counters"),
        ("ALTER TABLE charges DISABLE TRIGGER journal; DELETE FROM charges", "lost"),
    ],
)
def test_what_is_made_wrong_by_hand_is_named(
    ledger: Ledger, database_url: str, demo: str, host: UUID, sql: str, kind: str
) -> None:
    journal.install(database_url)
    claim = ledger.claims.create(request(demo, host), "ada").claim
    assert check(database_url, [str(claim.id)]).violations == []
    with psycopg.connect(database_url) as connection:
        for statement in sql.split("; "):
            connection.execute(statement)
    assert check(database_url).kinds() == {kind}


def test_an_acknowledged_claim_that_never_was_is_lost(ledger: Ledger, database_url: str) -> None:
    journal.install(database_url)
    assert check(database_url, ["e0e6a1a6-0000-4000-8000-000000000000"]).kinds() == {"lost"}
