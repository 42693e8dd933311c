"""Migrations, by yoyo."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Status:
    """Ids of the newest migration applied (None: none yet) and of the newest there is."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        return self.current == self.head


def migrate(database_url: str) -> Status:
    """Bring the database to our version; safe to repeat and to race. Raises `Unavailable`."""
    raise NotImplementedError


def status(database_url: str) -> Status:
    """Where the database is. Raises `Unavailable`."""
    raise NotImplementedError
