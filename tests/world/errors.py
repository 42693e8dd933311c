"""The one error of the world."""


class Disagreement(AssertionError):
    """Plan, state, ledger and libvirt do not agree; the message lists every difference."""
