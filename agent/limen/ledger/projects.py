"""Projects and their tree."""

from typing import Any

from limen.ledger.audit import record
from limen.ledger.errors import Conflict, NotFound
from limen.ledger.pool import ENTER_EXCLUSIVE, ENTER_SHARED, Connection, Pool
from limen.ledger.recount import recount_projects
from limen.ledger.values import Project
from limen.quota.model import check_project_name

_COLUMNS = "SELECT id, name, chain, created FROM projects"

_INSERT = """
WITH next AS MATERIALIZED (SELECT nextval(pg_get_serial_sequence('projects', 'id')) AS id)
INSERT INTO projects (id, name, parent_id, ancestry, chain) OVERRIDING SYSTEM VALUE
SELECT next.id, %(name)s::text, parent.id, next.id || coalesce(parent.ancestry, '{}'),
    %(name)s::text || coalesce(parent.chain, '{}')
FROM next LEFT JOIN projects parent ON parent.name = %(parent)s::text
ON CONFLICT (name) DO NOTHING
RETURNING id, name, chain, created"""

# The moved project keeps its own place at the end of each descendant's prefix; what is above it is replaced.
_MOVE = """
UPDATE projects SET
    parent_id = CASE WHEN id = %(id)s::bigint THEN %(parent)s::bigint ELSE parent_id END,
    ancestry = ancestry[1:array_position(ancestry, %(id)s::bigint)] || %(ancestry)s::bigint[],
    chain = chain[1:array_position(chain, %(name)s::text)] || %(chain)s::text[]
WHERE ancestry @> ARRAY[%(id)s::bigint]"""


class Projects:
    """Create, read, move and delete projects."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def create(self, name: str, parent: str | None, actor: str) -> Project:
        """Raises `InvalidSpec` for the name, `NotFound` for the parent, `Conflict` for a name taken."""
        check_project_name(name)
        with self._pool.transaction("limen_admin", ENTER_SHARED) as connection:
            if parent is not None:
                project_row(connection, parent)
            row = connection.execute(_INSERT, {"name": name, "parent": parent}).fetchone()
            if row is None:
                raise Conflict(f"there is a project {name} already: choose another name")
            record(connection, actor, "project.create", {"parent": parent}, name)
            return _project(row)

    def list(self) -> tuple[Project, ...]:
        """Every project, by name."""
        return tuple(_project(row) for row in self._pool.fetch(f"{_COLUMNS} ORDER BY name"))

    def get(self, name: str) -> Project:
        """Raises `NotFound`."""
        rows = self._pool.fetch(f"{_COLUMNS} WHERE name = %s", (name,))
        if not rows:
            raise NotFound(f"there is no project {name}: create it, or look for its name")
        return _project(rows[0])

    def move(self, name: str, parent: str | None, actor: str) -> Project:
        """Hang it under another parent (None: a root). Excludes admissions.

        A move is an administrator's act and no admission: it may leave the new ancestors over their limits.
        Raises `NotFound`, and `Conflict` for a cycle.
        """
        with self._pool.transaction("limen_admin", ENTER_EXCLUSIVE) as connection:
            moved_id, _, old_ancestry, old_chain = project_row(connection, name)
            parent_id: int | None = None
            ancestry: list[int] = []
            chain: list[str] = []
            if parent is not None:
                parent_id, _, ancestry, chain = project_row(connection, parent)
                if moved_id in ancestry:
                    raise Conflict(f"{parent} is below {name}, or is it: choose a parent outside of {name}")
            parameters = {"id": moved_id, "name": name, "parent": parent_id}
            connection.execute(_MOVE, {**parameters, "ancestry": ancestry, "chain": chain})
            recount_projects(connection, sorted({*old_ancestry, *ancestry} - {moved_id}))
            record(
                connection,
                actor,
                "project.move",
                {"from": old_chain[1] if len(old_chain) > 1 else None, "to": parent},
                name,
            )
            row = connection.execute(f"{_COLUMNS} WHERE id = %s", (moved_id,)).fetchone()
            if row is None:
                raise AssertionError("the project is locked")
            return _project(row)

    def delete(self, name: str, actor: str) -> None:
        """Raises `NotFound`; `Conflict` while it has children or claims that hold something."""
        with self._pool.transaction("limen_admin", ENTER_EXCLUSIVE) as connection:
            project_id, *_ = project_row(connection, name)
            row = connection.execute(
                """SELECT EXISTS (SELECT FROM projects WHERE parent_id = %(id)s),
                    EXISTS (SELECT FROM claims c JOIN items i ON i.claim_id = c.id WHERE
                        c.project_id = %(id)s)""",
                {"id": project_id},
            ).fetchone()
            if row is None or row[0]:
                raise Conflict(f"{name} has projects below it: delete or move them first")
            if row[1]:
                raise Conflict(f"claims of {name} still hold something: release them first")
            connection.execute("DELETE FROM claims WHERE project_id = %s", (project_id,))
            connection.execute("DELETE FROM projects WHERE id = %s", (project_id,))
            record(connection, actor, "project.delete", {}, name)


def project_row(connection: Connection, name: str) -> tuple[int, str, list[int], list[str]]:
    """(id, name, ancestry, chain) in the caller's transaction; raises `NotFound`."""
    row = connection.execute(
        "SELECT id, name, ancestry, chain FROM projects WHERE name = %s", (name,)
    ).fetchone()
    if row is None:
        raise NotFound(f"there is no project {name}: create it, or look for its name")
    return row[0], row[1], row[2], row[3]


def _project(row: tuple[Any, ...]) -> Project:
    number, name, chain, created = row
    return Project(number, name, chain[1] if len(chain) > 1 else None, tuple(chain), created)
