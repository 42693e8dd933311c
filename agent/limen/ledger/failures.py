"""psycopg's errors -> ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg_pool
from psycopg import errors

from limen.ledger.errors import Busy, Conflict, LedgerError, Unavailable

_BUSY = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.SerializationFailure)


def translate(error: psycopg.Error) -> LedgerError:
    """The error of ours that says what `error` means for the caller."""
    if isinstance(error, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests):
        return Busy("every connection to the database is in use: try again in a second")
    if isinstance(error, _BUSY):
        return Busy("the ledger is busy, nothing was changed: try again in a second")
    if isinstance(error, errors.UniqueViolation):
        return Conflict(_unique(error))
    if isinstance(error, errors.UndefinedTable | errors.UndefinedColumn | errors.InvalidParameterValue):
        return Unavailable("the database is not migrated to this version: run `limen db migrate`")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Unavailable(
            "the connection to the database broke, and what was asked for may have been done or not: "
            "try again with the same Idempotency-Key"
        )
    return Unavailable(f"the database refused: {error.diag.message_primary or type(error).__name__}")


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of ours `from` psycopg's."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error) from error


def first_line(error: BaseException) -> str:
    """What it says, without libpq's hints on further lines."""
    return str(error).strip().partition("\n")[0]


def _unique(error: errors.UniqueViolation) -> str:
    if error.diag.constraint_name == "items_identity":
        return (
            "another claim holds a thing of this name on the host: "
            "choose another name, or release that claim first"
        )
    return "it exists already: choose another name, or read what is there"
