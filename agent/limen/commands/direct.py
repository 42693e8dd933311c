"""The ledger without the API: for the first administrator, and for migrations."""

import os
from typing import TYPE_CHECKING

from limen.api.settings import database_url

if TYPE_CHECKING:
    from limen.ledger import Ledger

ACTOR = "limen command"


def configured() -> bool:
    """Whether the database's URL is at hand, so that the ledger is spoken to directly."""
    return bool(os.environ.get("LIMEN_DATABASE_URL") or os.environ.get("LIMEN_DATABASE_URL_FILE"))


def open_ledger() -> "Ledger":
    """The ledger at LIMEN_DATABASE_URL or its file. Raises SettingsError, Unavailable."""
    # Most commands talk to the API alone and need not wait for a database driver to load.
    from limen.ledger import Ledger

    return Ledger.open(database_url())
