"""Locks between processes; they end with the process that holds them, however it ends."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, holder: str) -> Iterator[None]:
    """Hold the lock file exclusively; says that it waits for `holder` when it has to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:  # not inherited by daemons: Python opens files close-on-exec
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for {holder}", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
