"""The error family of the rules; every error of Limen's own derives from `LimenError`."""


class LimenError(Exception):
    """Base of every error that Limen raises on purpose; `str()` is one sentence that says what to do."""


class InvalidAmount(LimenError, ValueError):
    """An amount is written in a way that is not allowed, or is out of range."""


class InvalidResource(LimenError, ValueError):
    """A resource is named that the quota model does not have."""


class InvalidSpec(LimenError, ValueError):
    """A name, key, limit, bound or item is malformed or contradicts another."""
