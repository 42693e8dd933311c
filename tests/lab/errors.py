"""The one error of the lab."""


class LabError(Exception):
    """Something of the lab does not work; the message says what, and what to do."""
