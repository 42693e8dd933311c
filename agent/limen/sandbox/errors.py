"""The error family of this package."""

from limen.quota.errors import LimenError


class SandboxError(LimenError):
    """A preview cannot be made apart from its host; the message says what to do."""


class InvalidState(SandboxError):
    """What was given is no state of a stack."""
