"""Limits and per-VM bounds of projects, and how a project stands."""

from collections.abc import Mapping

from limen.ledger.pool import Pool
from limen.ledger.values import ProjectQuota
from limen.quota.model import Bounds, Limit


class Limits:
    """Set and read limits and bounds."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def put(self, project: str, limits: Mapping[str, Limit | None], actor: str) -> None:
        """Set the limits of the named resources (None: none set, so nothing may be used); the rest stay.

        Raises `NotFound`, `InvalidResource`.
        """
        raise NotImplementedError

    def put_bounds(self, project: str, bounds: Mapping[str, Bounds | None], actor: str) -> None:
        """Set the per-VM bounds of the named resources (None removes). Raises `NotFound`, `InvalidResource`."""
        raise NotImplementedError

    def quota(self, project: str) -> ProjectQuota:
        """How the project stands: resources that have a limit or a charge. Raises `NotFound`."""
        raise NotImplementedError
