"""Turns at scanning: of several limen-api processes one at a time looks at a host.

A turn is an advisory lock of a session outside any transaction: it holds no row, and nothing but other turns
at the same host waits for it. If its process dies, it ends with the connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg

from limen.ledger.errors import Busy
from limen.ledger.failures import translated
from limen.ledger.pool import Pool

_CLASS = 0x5CA7  # apart from every other use of advisory locks in this database
_TAKE = "SELECT pg_advisory_lock(%s, hashtext(%s))"
_TRY = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
_GIVE_BACK = "SELECT pg_advisory_unlock(%s, hashtext(%s))"


class Turns:
    """Takes turns at hosts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @contextmanager
    def at(self, host_id: UUID, wait_seconds: float) -> Iterator[bool]:
        """Whether it is our turn at the host, for as long as the context lasts.

        With `wait_seconds` above 0 another process is waited for that long; raises `Busy` after that. With 0
        the answer is False if another has the turn. Raises `Unavailable`.
        """
        with translated(), self._pool.connection() as connection:
            parameters = (_CLASS, str(host_id))
            if wait_seconds > 0:
                try:
                    # The transaction bounds the setting; the lock is the session's and outlives it.
                    with connection.transaction():
                        connection.execute(
                            "SELECT set_config('lock_timeout', %s, true)", (str(int(wait_seconds * 1000)),)
                        )
                        connection.execute(_TAKE, parameters)
                except psycopg.errors.LockNotAvailable as error:
                    raise Busy("another limen-api is scanning this host: try again") from error
                ours = True
            else:
                row = connection.execute(_TRY, parameters).fetchone()
                ours = bool(row and row[0])
            try:
                yield ours
            finally:
                if ours and not connection.closed:
                    connection.execute(_GIVE_BACK, parameters)
