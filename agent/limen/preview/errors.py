"""What is refused before anything is reported."""

from limen.quota.errors import LimenError


class NotAPreview(LimenError):
    """The input is no preview, or what came with it does not belong to it; says in one line what to do."""
