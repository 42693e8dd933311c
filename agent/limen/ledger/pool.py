"""Connections."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes of the pool and time-outs in seconds.

    `lanes` is how many groups of claim changes may be in flight at once; `group` how many changes one group takes.
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
    """A pool of connections that run one transaction at a time under one of the ledger's roles."""

    @classmethod
    def open(cls, database_url: str, settings: Settings) -> Self:
        """Connect; raises `Unavailable`."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise `Unavailable` unless the database answers within two seconds."""
        raise NotImplementedError

    def close(self) -> None:
        """Close every connection."""
        raise NotImplementedError
