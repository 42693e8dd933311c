"""One object that holds the pool and one service a noun."""

from types import TracebackType
from typing import Self

from limen.ledger.audit import Audit
from limen.ledger.claims import Claims
from limen.ledger.hosts import Hosts
from limen.ledger.limits import Limits
from limen.ledger.observations import Observations
from limen.ledger.pool import Pool, Settings
from limen.ledger.projects import Projects
from limen.ledger.tokens import Tokens
from limen.ledger.turns import Turns
from limen.ledger.users import Users


class Ledger:
    """The ledger of one database. Thread-safe; close it (or use it as a context manager)."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.projects = Projects(pool)
        self.limits = Limits(pool)
        self.hosts = Hosts(pool)
        self.claims = Claims(pool)
        self.observations = Observations(pool)
        self.users = Users(pool)
        self.tokens = Tokens(pool)
        self.audit = Audit(pool)
        self.turns = Turns(pool)

    @classmethod
    def open(cls, database_url: str, settings: Settings | None = None) -> Self:
        """Connect.

        Raises `Unavailable` when the database does not answer or is not migrated to our version.
        """
        return cls(Pool.open(database_url, settings or Settings()))

    def ready(self) -> None:
        """Return if the database answers within two seconds; raise `Unavailable` otherwise."""
        self.pool.check()

    def close(self) -> None:
        """Give every connection back; the ledger cannot be used afterwards."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
