"""Hosts and their capacity."""

from collections.abc import Mapping
from uuid import UUID

from limen.ledger.pool import Pool
from limen.ledger.values import Host


class Hosts:
    """Register, read and forget hosts."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def add(
        self,
        host_id: UUID,
        uri: str,
        name: str,
        capacity: Mapping[str, int],
        actor: str,
        reserve: Mapping[str, int] | None = None,
        overcommit: Mapping[str, float] | None = None,
    ) -> Host:
        """Register a host, or bring what is known of it up to date (what is left out of an update stays).

        A resource the host has no capacity of is denied there. Raises `Conflict` for a name taken, `Invalid`.
        """
        raise NotImplementedError

    def list(self) -> tuple[Host, ...]:
        """Every host, by name."""
        raise NotImplementedError

    def get(self, host: UUID | str) -> Host:
        """By id, or by name. Raises `NotFound`."""
        raise NotImplementedError

    def forget(self, host_id: UUID, actor: str) -> None:
        """End a dead host's charges: its items, observations and itself go. Raises `NotFound`."""
        raise NotImplementedError
