"""Alembic's script folder: the SQL files, in order, and one revision a file in `versions`."""

from importlib.resources import files

from alembic import op


def run(name: str) -> None:
    """Execute one of this folder's SQL files in the migration's transaction."""
    # Straight to psycopg: SQLAlchemy passes parameters along, and then a % in the text means a placeholder.
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101 (a migration runs on an open connection)
    connection.execute((files(__name__) / name).read_text(encoding="utf-8"))
