"""Connections, and transactions under one of the ledger's roles."""

import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Self

import psycopg
import psycopg_pool
from psycopg.pq import TransactionStatus

from limen.ledger.errors import Unavailable
from limen.ledger.failures import translated
from limen.ledger.version import status

Role = Literal["limen_admit", "limen_admin", "limen_read"]
Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = Mapping[str, Any] | Sequence[Any] | None

TREE_LOCK = 0x4C494D454E00  # shared by admissions, exclusive for edits that they must not overlap

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
_LOCAL = """
    set_config('role', %(role)s, true), set_config('lock_timeout', %(lock)s, true),
    set_config('statement_timeout', %(statement)s, true),
    set_config('idle_in_transaction_session_timeout', %(idle)s, true)"""
ENTER = "SELECT" + _LOCAL
ENTER_SHARED = f"SELECT {_LOCAL}, pg_advisory_xact_lock_shared({TREE_LOCK})"
ENTER_EXCLUSIVE = f"SELECT {_LOCAL}, pg_advisory_xact_lock({TREE_LOCK})"


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes of the pool, and time-outs in seconds.

    `lanes` is how many groups of claim changes may be in flight at once; `group` how many changes one takes.
    """

    idle: int = 10
    maximum: int = 100
    connect_timeout: float = 5.0
    lock_timeout: float = 3.0
    statement_timeout: float = 10.0
    idle_timeout: float = 10.0
    lanes: int = 2
    group: int = 64


class Pool:
    """A pool of connections; each runs one transaction at a time."""

    def __init__(self, connections: psycopg_pool.ConnectionPool[Connection], settings: Settings) -> None:
        self._connections = connections
        self.settings = settings
        self._locals = {
            role: {
                "role": role,
                "lock": _milliseconds(settings.lock_timeout),
                "statement": _milliseconds(settings.statement_timeout),
                "idle": _milliseconds(settings.idle_timeout),
            }
            for role in ("limen_admit", "limen_admin", "limen_read")
        }

    @classmethod
    def open(cls, database_url: str, settings: Settings) -> Self:
        """Connect; raises `Unavailable`."""
        found = status(database_url)
        if not found.up_to_date:
            raise Unavailable(
                f"the database is at migration {found.current or 'none'} and not at {found.head}: "
                "run `limen db migrate`"
            )
        connections = psycopg_pool.ConnectionPool(
            database_url,
            min_size=min(settings.idle, settings.maximum),
            max_size=settings.maximum,
            timeout=settings.connect_timeout,
            kwargs={"autocommit": True, "prepare_threshold": 2, "application_name": "limen"},
            name="limen",
            open=True,
        )
        return cls(connections, settings)

    def check(self) -> None:
        """Raise `Unavailable` unless the database answers within two seconds."""
        try:
            with self._connections.connection(timeout=2.0) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise Unavailable("the database does not answer: see whether it runs") from error

    def stats(self) -> Mapping[str, int]:
        """Figures of the pool (`pool_size`, `pool_available`, `requests_waiting`, ...), for metrics."""
        return self._connections.get_stats()

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def locals(self, role: Role) -> dict[str, str]:
        """Parameters of the ENTER statements: role and time-outs of one transaction."""
        return self._locals[role]

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection outside any transaction; one that is left inside is rolled back."""
        connection = self._take()
        try:
            yield connection
        except BaseException:
            if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                connection.rollback()
            raise
        finally:
            self._connections.putconn(connection)

    def _take(self) -> Connection:
        """An idle connection that the server has not closed meanwhile (it was restarted, say).

        An idle connection has nothing to say, so only one that does costs a round trip. (The pool's own check
        waits longer and longer between two closed ones.)
        """
        while True:
            connection = self._connections.getconn()
            if not _readable(connection.fileno()):
                return connection
            try:
                connection.execute("SELECT 1")
            except psycopg.OperationalError:
                self._connections.putconn(connection)
            else:
                return connection

    def fetch(self, query: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
        """One query under the read role, in one round trip."""
        with translated(), self.connection() as connection, connection.pipeline():
            connection.execute("BEGIN READ ONLY")
            connection.execute(ENTER, self.locals("limen_read"))
            cursor = connection.execute(query, parameters)
            connection.execute("COMMIT")
            return cursor.fetchall()

    @contextmanager
    def transaction(self, role: Role, enter: str = ENTER) -> Iterator[Connection]:
        """One transaction of several statements under `role`, committed at the end."""
        with translated(), self.connection() as connection:
            with connection.pipeline():
                connection.execute(BEGIN)
                connection.execute(enter, self.locals(role))
            yield connection
            connection.execute("COMMIT")


def _readable(descriptor: int) -> bool:
    poll = select.poll()  # select() cannot take descriptors from 1024
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
