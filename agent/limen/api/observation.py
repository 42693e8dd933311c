"""What a look at a host showed goes into the ledger, whoever looked: limen-api itself or the host's agent."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from limen.ledger import Ledger
from limen.ledger.observations import OBSERVER
from limen.ledger.values import Claim, ScanResult
from limen.quota.model import Seen


def take_in(
    ledger: Ledger,
    host: UUID,
    seen: Sequence[Seen],
    unseen_pools: Sequence[str],
    begun: datetime,
    observer: str = OBSERVER,
) -> ScanResult:
    """Apply a scan of `host` that began at `begun` by the database's clock. Raises NotFound."""
    if not unseen_pools:
        return ledger.observations.apply_scan(host, seen, begun, observer)
    gone = gone_things(host, ledger.claims.list(host=host), seen, unseen_pools)
    return ledger.observations.apply_partial(host, seen, gone, begun, observer)


def gone_things(
    host: UUID, claims: Iterable[Claim], seen: Iterable[Seen], unseen_pools: Iterable[str]
) -> list[tuple[str, str]]:
    """(kind, identity) of what claims hold on `host` and a scan showed to be gone.

    Disks in pools that could not be listed are not among them: not seen is not gone.
    """
    there = {(thing.kind, thing.identity) for thing in seen}
    hidden = set(unseen_pools)
    return sorted(
        {
            (item.kind, item.identity)
            for claim in claims
            for item in claim.items
            if item.host == host
            and (item.kind, item.identity) not in there
            and not (item.volume is not None and item.volume.partition("/")[0] in hidden)
        }
    )
