"""What limen-api is told by its environment and command line."""

import os
from dataclasses import dataclass
from pathlib import Path

from limen.quota.errors import LimenError


class SettingsError(LimenError):
    """limen-api can't start with what it was told."""


@dataclass(frozen=True)
class Settings:
    """Seconds: between scans of a host, between looks at deadlines at the most, until an agent is silent.

    The files are the token that limen-api sends to hosts' agents, and the CA of their certificates.
    """

    scan_interval: float = 60.0
    sweep_interval: float = 30.0
    report_seconds: float = 120.0
    agent_token_file: Path | None = None
    agent_ca_file: Path | None = None


def database_url() -> str:
    """The URL in LIMEN_DATABASE_URL, or in the file that LIMEN_DATABASE_URL_FILE names.

    Raises SettingsError where neither is usable.
    """
    if value := os.environ.get("LIMEN_DATABASE_URL"):
        return value
    file = os.environ.get("LIMEN_DATABASE_URL_FILE")
    if not file:
        raise SettingsError("No database: set LIMEN_DATABASE_URL or LIMEN_DATABASE_URL_FILE.")
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            f"LIMEN_DATABASE_URL_FILE names {file}, which can't be read: {error.strerror}."
        ) from error
    if not text:
        raise SettingsError(f"LIMEN_DATABASE_URL_FILE names {file}, which is empty.")
    return text
