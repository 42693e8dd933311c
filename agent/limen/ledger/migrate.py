"""Migrations, by Alembic: each step and its mark in `alembic_version` are one transaction."""

import threading
from contextlib import closing
from importlib.resources import as_file, files

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import DBAPIError, InternalError

from limen.ledger.errors import Unavailable
from limen.ledger.failures import first_line
from limen.ledger.version import Status, status

_LOCK = 0x4C494D454E  # "LIMEN"; one migration of a database at a time, held by a connection of its own
_ATTEMPTS = 5
_ONE_AT_A_TIME = threading.Lock()  # Alembic's context is global to a process


def migrate(database_url: str) -> Status:
    """Bring the database to our version; safe to repeat, to kill and to race. Raises `Unavailable`.

    The login needs CREATEROLE the first time in a cluster, and becomes a member of the three roles.
    """
    try:
        with _ONE_AT_A_TIME, closing(psycopg.connect(database_url, autocommit=True)) as guard:
            guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    _upgrade(database_url)
                    break
                except InternalError:
                    # Another database's migration grants the same roles, in catalogues that the cluster
                    # shares ("tuple concurrently updated"). What is done is marked, so the rest can be
                    # repeated.
                    if attempt == _ATTEMPTS:
                        raise
    except psycopg.Error as error:
        raise Unavailable(f"the database does not answer: {first_line(error)}") from error
    except DBAPIError as error:
        raise Unavailable(f"the database could not be migrated: {first_line(error.orig or error)}") from error
    return status(database_url)


def _upgrade(database_url: str) -> None:
    # libpq understands more connection strings than SQLAlchemy, so psycopg opens the connection.
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url), poolclass=pool.NullPool
    )
    with as_file(files("limen.ledger.migrations")) as folder, engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
