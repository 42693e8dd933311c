"""Users, roles and tokens."""

from datetime import timedelta

import psycopg
import pytest

from limen.ledger import Ledger
from limen.ledger.errors import Conflict, Invalid, NotFound, Unauthenticated

HOUR = timedelta(hours=1)


@pytest.fixture
def bob(ledger: Ledger) -> str:
    """A user with a role in `team`, above `demo`."""
    ledger.projects.create("team", None, "ada")
    ledger.projects.create("demo", "team", "ada")
    ledger.users.create("bob", False, "ada")
    ledger.users.put_role("team", "bob", "operator", "ada")
    return "bob"


def test_a_token_speaks_for_its_user_within_its_scopes_and_projects(ledger: Ledger, bob: str) -> None:
    ledger.users.put_role("demo", bob, "viewer", "ada")
    token, secret = ledger.tokens.issue(bob, ["quota:check"], ["team"], HOUR, "ada")
    identity = ledger.tokens.authenticate(secret)
    assert (identity.user, identity.scopes, identity.administrator) == (bob, ("quota:check",), False)
    assert identity.roles == {"team": "operator", "demo": "operator"}, (
        "the stronger role of an ancestor counts"
    )
    assert identity.projects == ("demo", "team"), "a token for a project is one for what is below it"
    assert ledger.tokens.list(bob) == (token,)


def test_a_secret_is_neither_stored_nor_audited(ledger: Ledger, database_url: str, bob: str) -> None:
    _, secret = ledger.tokens.issue(bob, ["admin"], None, HOUR, "ada")
    with psycopg.connect(database_url) as connection:
        for table in ("tokens", "audit"):
            query = f"SELECT row_to_json(t)::text FROM {table} t"  # noqa: S608
            rows = connection.execute(query).fetchall()
            assert rows
            assert not any(secret.removeprefix("limen_") in row[0] for row in rows)


def test_unknown_revoked_and_expired_tokens_are_refused_in_the_same_words(ledger: Ledger, bob: str) -> None:
    revoked, first = ledger.tokens.issue(bob, ["admin"], None, HOUR, "ada")
    ledger.tokens.revoke(revoked.id, "ada")
    _, second = ledger.tokens.issue(bob, ["admin"], None, timedelta(microseconds=1), "ada")
    words = set()
    for secret in (first, second, "limen_unknown", ""):
        with pytest.raises(Unauthenticated) as caught:
            ledger.tokens.authenticate(secret)
        words.add(str(caught.value))
    assert len(words) == 1


def test_what_cannot_be_is_refused(ledger: Ledger, bob: str) -> None:
    with pytest.raises(Conflict):
        ledger.users.create(bob, False, "ada")
    with pytest.raises(Invalid):
        ledger.users.create("Bob Smith", False, "ada")
    with pytest.raises(NotFound):
        ledger.tokens.issue("eve", ["admin"], None, HOUR, "ada")
    with pytest.raises(NotFound):
        ledger.tokens.issue(bob, ["admin"], ["nowhere"], HOUR, "ada")
    with pytest.raises(Invalid):
        ledger.tokens.issue(bob, [], None, HOUR, "ada")
    ledger.users.put_role("team", bob, None, "ada")
    assert ledger.users.get(bob).roles == {}
