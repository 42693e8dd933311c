"""The audit log: old denials may go, and nothing else, and never without a trace."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from limen.ledger import Ledger
from limen.ledger.errors import Invalid

DAYS_90 = timedelta(days=90)


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection]:
    """The login that owns the tables."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def write(owner: psycopg.Connection, days: int, action: str, allowed: bool, rows: int = 1) -> None:
    """Entries of that age."""
    owner.execute(
        """INSERT INTO audit (at, actor, action, allowed, detail)
        SELECT now() - make_interval(days => %s), 'ada', %s, %s, '{}' FROM generate_series(1, %s)""",
        (days, action, allowed, rows),
    )


def actions(ledger: Ledger) -> list[str]:
    return [entry.action for entry in ledger.audit.list(limit=1000)]


def test_old_denials_go_and_that_is_written_down(ledger: Ledger, owner: psycopg.Connection) -> None:
    write(owner, 91, "old denial", False, rows=3)
    write(owner, 91, "old change", True)
    write(owner, 89, "young denial", False)
    assert ledger.audit.prune_denials(DAYS_90, "ada") == 3
    assert actions(ledger) == ["audit.prune", "young denial", "old change"]
    entry = ledger.audit.list(limit=1)[0]
    assert (entry.actor, entry.allowed, entry.detail["removed"]) == ("ada", True, 3)
    assert ledger.audit.prune_denials(DAYS_90, "ada") == 0
    assert len(actions(ledger)) == 3, "what removed nothing is no news"


def test_many_go_in_batches(
    ledger: Ledger, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limen.ledger.audit._BATCH", 10)
    write(owner, 100, "old denial", False, rows=25)
    assert ledger.audit.prune_denials(DAYS_90, "ada") == 25
    assert [entry.detail["removed"] for entry in ledger.audit.list()] == [5, 10, 10]


def test_young_denials_stay_whoever_asks(ledger: Ledger, owner: psycopg.Connection) -> None:
    write(owner, 29, "young denial", False)
    with pytest.raises(Invalid, match="30 days at least"):
        ledger.audit.prune_denials(timedelta(days=29), "ada")
    with pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("SELECT prune_denials('1 day', 10, 'ada')")
    assert actions(ledger) == ["young denial"]


@pytest.mark.parametrize("role", ["limen_admit", "limen_read"])
def test_only_administration_prunes(owner: psycopg.Connection, role: str) -> None:
    owner.execute(f"SET ROLE {role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("SELECT prune_denials('90 days', 10, 'ada')")


@pytest.mark.parametrize("role", ["limen_admit", "limen_admin", "limen_read"])
def test_the_setting_of_the_function_opens_nothing(owner: psycopg.Connection, role: str) -> None:
    write(owner, 100, "old denial", False)
    owner.execute(f"SET ROLE {role}")
    owner.execute("SET limen.pruning = 'on'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("DELETE FROM audit")


def test_the_log_is_closed_again_afterwards(ledger: Ledger, owner: psycopg.Connection) -> None:
    write(owner, 100, "old denial", False)
    owner.execute("SELECT prune_denials('90 days', 10, 'ada')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="only be appended to"):
        owner.execute("DELETE FROM audit")
    assert actions(ledger) == ["audit.prune"]
