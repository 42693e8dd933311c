"""Users and their roles in projects."""

import re
from typing import Any

from limen.ledger.audit import record
from limen.ledger.errors import Conflict, Invalid, NotFound
from limen.ledger.pool import Pool
from limen.ledger.projects import project_row
from limen.ledger.values import Role, User

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}", re.ASCII)

_SELECT = """
SELECT u.name, u.administrator, u.created, (
    SELECT json_object_agg(p.name, m.role ORDER BY p.name)
    FROM memberships m JOIN projects p ON p.id = m.project_id WHERE m.user_name = u.name)
FROM users u"""


class Users:
    """Create and read users; set roles."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def create(self, name: str, administrator: bool, actor: str) -> User:
        """Raises `Invalid` for the name, `Conflict` for a name taken."""
        if not _NAME.fullmatch(name):
            raise Invalid(
                f"{name!a:.80} is not a user name: use 1 to 63 lower-case letters, digits and . _ @ - , "
                "beginning with a letter or digit"
            )
        with self._pool.transaction("limen_admin") as connection:
            row = connection.execute(
                """INSERT INTO users (name, administrator) VALUES (%s, %s) ON CONFLICT DO NOTHING
                RETURNING name, administrator, created, NULL""",
                (name, administrator),
            ).fetchone()
            if row is None:
                raise Conflict(f"there is a user {name} already: choose another name")
            record(connection, actor, "user.create", {"user": name, "administrator": administrator})
            return _user(row)

    def list(self) -> tuple[User, ...]:
        """Every user, by name, with the roles given directly."""
        return tuple(_user(row) for row in self._pool.fetch(f"{_SELECT} ORDER BY u.name"))

    def get(self, name: str) -> User:
        """Raises `NotFound`."""
        rows = self._pool.fetch(f"{_SELECT} WHERE u.name = %s", (name,))
        if not rows:
            raise NotFound(f"there is no user {name}: create one with `limen user create`")
        return _user(rows[0])

    def put_role(self, project: str, user: str, role: Role | None, actor: str) -> None:
        """Give the user a role in the project and everything below it; None takes it away.

        Raises `NotFound`.
        """
        with self._pool.transaction("limen_admin") as connection:
            project_id, *_ = project_row(connection, project)
            if connection.execute("SELECT FROM users WHERE name = %s", (user,)).fetchone() is None:
                raise NotFound(f"there is no user {user}: create one with `limen user create`")
            if role is None:
                connection.execute(
                    "DELETE FROM memberships WHERE project_id = %s AND user_name = %s", (project_id, user)
                )
            else:
                connection.execute(
                    """INSERT INTO memberships (project_id, user_name, role) VALUES (%s, %s, %s)
                    ON CONFLICT (project_id, user_name) DO UPDATE SET role = excluded.role""",
                    (project_id, user, role),
                )
            record(connection, actor, "member.put", {"user": user, "role": role}, project)


def _user(row: tuple[Any, ...]) -> User:
    name, administrator, created, roles = row
    return User(name, administrator, created, roles or {})
