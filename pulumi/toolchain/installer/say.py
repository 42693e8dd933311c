"""Progress for the person who waits: one line each, on standard error."""

import sys


def say(text: str) -> None:
    """Print one line at once."""
    sys.stderr.write(f"toolchain: {text}\n")
    sys.stderr.flush()
