"""API tokens: opaque, stored as SHA-256."""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from limen.ledger.audit import record
from limen.ledger.errors import Invalid, NotFound, Unauthenticated
from limen.ledger.pool import Connection, Pool
from limen.ledger.projects import project_row
from limen.ledger.values import Identity, Role, Token

HOST_SCOPE = "host:report"  # of a host's agent; `limen.api.scopes` has them all
_PREFIX = "limen_"  # lets secret scanners and people recognise one
_STRENGTH: dict[str, int] = {"viewer": 1, "operator": 2, "owner": 3}

_SELECT = """
SELECT t.id, t.user_name, t.scopes, t.projects IS NULL, ARRAY(
    SELECT p.name FROM projects p WHERE p.id = ANY(t.projects) ORDER BY p.name),
    t.created, t.expires, t.revoked, t.host_id
FROM tokens t"""

# A role reaches down the tree: every project whose ancestry holds the one that the role was given in.
_AUTHENTICATE = """
SELECT t.id, u.name, u.administrator, t.scopes, t.projects IS NULL, ARRAY(
    SELECT p.name FROM projects p WHERE p.ancestry && t.projects ORDER BY p.name), (
    SELECT json_agg(json_build_array(p.name, m.role))
    FROM memberships m JOIN projects p ON p.ancestry @> ARRAY[m.project_id] WHERE m.user_name = u.name),
    t.host_id
FROM tokens t JOIN users u ON u.name = t.user_name
WHERE t.digest = %s AND t.revoked IS NULL AND t.expires > clock_timestamp()"""


class Tokens:
    """Issue, check, list and revoke tokens."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def issue(
        self,
        user: str,
        scopes: Iterable[str],
        projects: Iterable[str] | None,
        ttl: timedelta,
        actor: str,
        host: UUID | None = None,
    ) -> tuple[Token, str]:
        """A new token and its secret, which is shown this once.

        `host`: for that host's agent, with the scope `host:report` and no other. Raises `NotFound` (user,
        project, host), `Invalid`.
        """
        if ttl <= timedelta(0):
            raise Invalid("a token must live for at least a second: give a longer time")
        secret = _PREFIX + secrets.token_urlsafe(32)
        wanted = sorted(set(scopes))
        if not wanted:
            raise Invalid("a token without a scope is good for nothing: name at least one")
        _check_host(wanted, projects, host)
        with self._pool.transaction("limen_admin") as connection:
            if connection.execute("SELECT FROM users WHERE name = %s", (user,)).fetchone() is None:
                raise NotFound(f"there is no user {user}: create one with `limen user create`")
            names = None if projects is None else sorted(set(projects))
            ids = None if names is None else [project_row(connection, name)[0] for name in names]
            if host is not None and not _has_host(connection, host):
                raise NotFound(f"there is no host {host}: add it with `limen host add`")
            row = connection.execute(
                """INSERT INTO tokens (user_name, digest, scopes, projects, expires, host_id)
                VALUES (%s, %s, %s, %s, clock_timestamp() + %s, %s) RETURNING id""",
                (user, _digest(secret), wanted, ids, ttl, host),
            ).fetchone()
            if row is None:
                raise AssertionError("RETURNING gives a row")
            detail = {"token": str(row[0]), "user": user, "scopes": wanted, "projects": names}
            if host is not None:
                detail["host"] = str(host)
            record(connection, actor, "token.issue", detail)
            found = connection.execute(f"{_SELECT} WHERE t.id = %s", row).fetchone()
            if found is None:
                raise AssertionError("the token was just written")
            return _token(found), secret

    def authenticate(self, secret: str) -> Identity:
        """Whom the secret speaks for. Raises `Unauthenticated`, always in the same words."""
        rows = self._pool.fetch(_AUTHENTICATE, (_digest(secret),))
        if not rows:
            raise Unauthenticated("the token is unknown, expired or revoked: ask for a new one")
        token_id, user, administrator, scopes, everywhere, projects, memberships, host = rows[0]
        if host is not None:
            # Whoever takes it from the host gets no hold of its user's rights.
            return Identity(token_id, user, False, tuple(scopes), (), {}, host)
        roles: dict[str, Role] = {}
        for project, role in memberships or ():
            if _STRENGTH[role] > _STRENGTH.get(roles.get(project, ""), 0):
                roles[project] = role
        reach = None if everywhere else tuple(projects)
        return Identity(token_id, user, administrator, tuple(scopes), reach, roles)

    def list(self, user: str | None = None) -> tuple[Token, ...]:
        """Tokens that are not past their expiry, newest first."""
        rows = self._pool.fetch(
            f"""{_SELECT} WHERE t.expires > clock_timestamp() AND (%(user)s::text IS NULL
                OR t.user_name = %(user)s)
            ORDER BY t.created DESC, t.id""",
            {"user": user},
        )
        return tuple(_token(row) for row in rows)

    def revoke(self, token_id: UUID, actor: str) -> None:
        """It is refused from now on. Raises `NotFound`."""
        with self._pool.transaction("limen_admin") as connection:
            row = connection.execute(
                """UPDATE tokens SET revoked = coalesce(revoked, clock_timestamp())
                WHERE id = %s RETURNING user_name""",
                (token_id,),
            ).fetchone()
            if row is None:
                raise NotFound(f"there is no token {token_id}")
            record(connection, actor, "token.revoke", {"token": str(token_id), "user": row[0]})


def _check_host(scopes: list[str], projects: Iterable[str] | None, host: UUID | None) -> None:
    if host is None:
        if HOST_SCOPE in scopes:
            raise Invalid(f"the scope {HOST_SCOPE} is for one host: name it")
    elif scopes != [HOST_SCOPE] or projects is not None:
        raise Invalid(f"a host's token has the scope {HOST_SCOPE} alone, and no project: leave out the rest")


def _has_host(connection: Connection, host: UUID) -> bool:
    return connection.execute("SELECT FROM hosts WHERE id = %s", (host,)).fetchone() is not None


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _token(row: tuple[Any, ...]) -> Token:
    token_id, user, scopes, everywhere, projects, created, expires, revoked, host = row
    reach = None if everywhere else tuple(projects)
    return Token(token_id, user, tuple(scopes), reach, created, expires, revoked, host)
