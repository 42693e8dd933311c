"""Claims: every change goes through one admission transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from limen.ledger.pool import Pool
from limen.ledger.values import Admitted, Claim, ClaimItem, ClaimRequest
from limen.quota.model import Decision, Holder


class Claims:
    """Create, change, transfer, release, build and read claims. `Busy` can come out of every method."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def create(self, request: ClaimRequest, actor: str, idempotency_key: str | None = None) -> Admitted:
        """Reserve everything or nothing.

        Raises `Denied`, `NotFound` (project, host), `Conflict` (the id exists and holds something, or the
        idempotency key was used for something else). A repeated key returns (or raises) the first answer.
        """
        raise NotImplementedError

    def change(
        self, request: ClaimRequest, generation: int, actor: str, idempotency_key: str | None = None
    ) -> Admitted:
        """Grow: per item and resource max(old, new); items not named stay; another project is a transfer.

        Raises as `create`, and `StaleGeneration`, `FingerprintMismatch`.
        """
        raise NotImplementedError

    def transfer(
        self, claim_id: UUID, generation: int, project: str, actor: str, idempotency_key: str | None = None
    ) -> Admitted:
        """Move the whole claim to another project, atomically. Raises as `change`."""
        raise NotImplementedError

    def release(
        self, claim_id: UUID, generation: int, actor: str, idempotency_key: str | None = None
    ) -> Claim:
        """Give every item up: unbuilt ones go at once, others stay charged until a scan shows nothing.

        A claim that is released already is answered as it is. Raises `NotFound`, `StaleGeneration`.
        """
        raise NotImplementedError

    def get(self, claim_id: UUID) -> Claim:
        """Raises `NotFound`."""
        raise NotImplementedError

    def list(self, project: str | None = None, host: UUID | None = None) -> tuple[Claim, ...]:
        """Claims of that project (not of its children) with items on that host, newest first."""
        raise NotImplementedError

    def explain(self, request: ClaimRequest) -> Decision:
        """What `create`, or `change` where the claim exists, would decide now; changes nothing, locks nothing.

        Raises `NotFound`.
        """
        raise NotImplementedError

    def explain_amounts(self, project: str, amounts: Mapping[str, int]) -> Decision:
        """Whether these amounts more would fit the project, hosts and bounds left aside. Raises `NotFound`."""
        raise NotImplementedError

    def admit_item(
        self,
        claim_id: UUID,
        key: str,
        amounts: Mapping[str, int],
        host: UUID,
        actor: str,
        fence: int | None = None,
        idempotency_key: str | None = None,
    ) -> ClaimItem:
        """Begin to build an item: it is `building`, claimed is lowered to exactly `amounts`, `fence` is new.

        A caller that names the fence it holds keeps it. Raises `NotAdmitted` when the item is missing, lapsing,
        on another host, reserved for less, or when `fence` is not the newest; `NotFound` for the claim.
        """
        raise NotImplementedError

    def settle_item(self, claim_id: UUID, key: str, actor: str) -> ClaimItem | None:
        """Give one item up; None when nothing of it is left. Its charge goes when a scan begun later shows nothing.

        Raises `NotFound` for the claim.
        """
        raise NotImplementedError

    def heartbeat(self, claim_id: UUID, fences: Iterable[int]) -> datetime | None:
        """Move the deadline of the items these builders hold, and of those nobody builds yet, to two minutes hence.

        Returns the deadline, None when there was nothing to move. Raises `NotFound`.
        """
        raise NotImplementedError

    def lapse(self) -> int:
        """Turn overdue reservations of all claims into lapsing ones (call it every few seconds); how many."""
        raise NotImplementedError

    def holders(self, scope_ids: Iterable[str], resources: Iterable[str], limit: int = 20) -> tuple[Holder, ...]:
        """Who holds most of these resources in these scopes (project ids and host ids of a decision's lines)."""
        raise NotImplementedError
