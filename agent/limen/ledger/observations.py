"""What hosts were seen to hold, and what follows for claims."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from limen.ledger.pool import Pool
from limen.ledger.values import Finding, ScanResult, Seen


class Observations:
    """Apply scans and events; name what does not agree."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def begin_scan(self, host_id: UUID) -> datetime:
        """The database's clock, to be taken before libvirt is asked. Raises `NotFound`."""
        raise NotImplementedError

    def apply_scan(self, host_id: UUID, seen: Iterable[Seen], begun_at: datetime) -> ScanResult:
        """Everything the host holds, as seen by a scan that succeeded. What is not in `seen` is gone.

        A scan older than the last applied one is ignored. Raises `NotFound`.
        """
        raise NotImplementedError

    def fail_scan(self, host_id: UUID, begun_at: datetime, error: str) -> None:
        """Write down that a scan failed; every observation stays."""
        raise NotImplementedError

    def apply_partial(
        self, host_id: UUID, seen: Iterable[Seen], gone: Iterable[tuple[str, str]], begun_at: datetime
    ) -> ScanResult:
        """A few things looked up after a libvirt event; `gone` holds (kind, identity) that are not there.

        The rest of the host is left as it was. Raises `NotFound`.
        """
        raise NotImplementedError

    def findings(self, host_id: UUID | None = None) -> tuple[Finding, ...]:
        """Orphans, ghosts, drift and duplicates of the last scans, by host, kind and identity."""
        raise NotImplementedError
