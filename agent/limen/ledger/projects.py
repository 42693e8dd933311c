"""Projects and their tree."""

from limen.ledger.pool import Pool
from limen.ledger.values import Project


class Projects:
    """Create, read, move and delete projects."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def create(self, name: str, parent: str | None, actor: str) -> Project:
        """Raises `InvalidSpec` for the name, `NotFound` for the parent, `Conflict` for a name taken."""
        raise NotImplementedError

    def list(self) -> tuple[Project, ...]:
        """Every project, by name."""
        raise NotImplementedError

    def get(self, name: str) -> Project:
        """Raises `NotFound`."""
        raise NotImplementedError

    def move(self, name: str, parent: str | None, actor: str) -> Project:
        """Hang it under another parent (None: a root). Excludes admissions; raises `NotFound`, `Conflict` (cycle).

        A move is an administrator's act and no admission: it may leave the new ancestors over their limits.
        """
        raise NotImplementedError

    def delete(self, name: str, actor: str) -> None:
        """Raises `NotFound`; `Conflict` while it has children or claims that hold something."""
        raise NotImplementedError
