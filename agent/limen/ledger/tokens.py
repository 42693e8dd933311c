"""API tokens: opaque, stored as SHA-256."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from limen.ledger.pool import Pool
from limen.ledger.values import Identity, Token


class Tokens:
    """Issue, check, list and revoke tokens."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def issue(
        self, user: str, scopes: Iterable[str], projects: Iterable[str] | None, ttl: timedelta, actor: str
    ) -> tuple[Token, str]:
        """A new token and its secret, which is shown this once. Raises `NotFound` (user, project), `Invalid`."""
        raise NotImplementedError

    def authenticate(self, secret: str) -> Identity:
        """Whom the secret speaks for. Raises `Unauthenticated`, always in the same words."""
        raise NotImplementedError

    def list(self, user: str | None = None) -> tuple[Token, ...]:
        """Tokens that are not past their expiry, newest first."""
        raise NotImplementedError

    def revoke(self, token_id: UUID, actor: str) -> None:
        """It is refused from now on. Raises `NotFound`."""
        raise NotImplementedError
