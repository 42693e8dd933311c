"""Commands that take a while, with a sign of life every ten seconds."""

import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from tests.lab.errors import LabError


def run(what: str, argv: list[str], env: Mapping[str, str] | None = None) -> None:
    """Run one command quietly and say how long it took; raises LabError with its last lines."""
    started = time.monotonic()
    done = threading.Event()

    def tick() -> None:
        while not done.wait(10):
            print(f"{what}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        result = subprocess.run(
            argv,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is missing: run `python3 -m tests.lab packages` as root first") from error
    finally:
        done.set()
        ticker.join()
    if result.returncode != 0:
        last = "\n".join((result.stdout + result.stderr).splitlines()[-15:])
        raise LabError(f"{what} failed (exit code {result.returncode}):\n{last}")
    print(f"{what}: done in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
