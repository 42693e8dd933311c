"""Which migration a database is at, without Alembic: a limen-api that starts asks this and nothing more."""

from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from limen.ledger.errors import Unavailable
from limen.ledger.failures import first_line


@dataclass(frozen=True, slots=True)
class Status:
    """Ids of the newest migration applied (None: none yet) and of the newest there is."""

    current: str | None
    head: str

    @property
    def up_to_date(self) -> bool:
        return self.current == self.head


def newest() -> str:
    """Id of the newest migration there is: its file's name, which begins with its number."""
    names = [file.name for file in files("limen.ledger.migrations").iterdir()]
    return max(name for name in names if name.endswith(".sql")).removesuffix(".sql")


def status(database_url: str) -> Status:
    """Where the database is. Raises `Unavailable`."""
    head = newest()
    try:
        with closing(psycopg.connect(database_url, autocommit=True)) as connection:
            found = connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone()
            if found is None or not found[0]:
                return Status(None, head)
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.Error as error:
        raise Unavailable(f"the database does not answer: {first_line(error)}") from error
    return Status(row[0] if row else None, head)
