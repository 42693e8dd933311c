"""Users and their roles in projects."""

from limen.ledger.pool import Pool
from limen.ledger.values import Role, User


class Users:
    """Create and read users; set roles."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def create(self, name: str, administrator: bool, actor: str) -> User:
        """Raises `Invalid` for the name, `Conflict` for a name taken."""
        raise NotImplementedError

    def list(self) -> tuple[User, ...]:
        """Every user, by name, with the roles given directly."""
        raise NotImplementedError

    def get(self, name: str) -> User:
        """Raises `NotFound`."""
        raise NotImplementedError

    def put_role(self, project: str, user: str, role: Role | None, actor: str) -> None:
        """Give the user a role in the project and everything below it; None takes it away. Raises `NotFound`."""
        raise NotImplementedError
