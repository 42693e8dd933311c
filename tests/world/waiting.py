"""Waiting for what nothing tells us of."""

import time
from collections.abc import Callable
from typing import Any


def eventually(check: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """What `check` answers once it is true; fails, naming `what`, when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return found
