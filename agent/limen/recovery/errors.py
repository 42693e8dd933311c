"""The error family of recovery."""

from limen.quota.errors import LimenError


class RecoveryError(LimenError):
    """The stack can't be recovered like this; the message says what to do first."""
