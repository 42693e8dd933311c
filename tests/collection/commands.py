"""Commands of this Python environment, with a sign of life while they run."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COLLECTION = ROOT / "collections" / "ansible_collections" / "limen" / "platform"
_LINES = 120


class GateFailed(Exception):
    """A gate does not pass; the text is what a person needs to see."""


def run(program: str, *arguments: str, folder: Path, env: Mapping[str, str] | None = None) -> str:
    """Standard output of a program of this environment, run in `folder`; raises GateFailed.

    Of Ansible's configuration in the environment nothing is left: only the copy in `folder` is looked at.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    path = f"{BIN}:{os.environ['PATH']}"
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(program, done), daemon=True)
    ticker.start()
    try:
        result = subprocess.run(
            [str(BIN / program), *arguments],
            cwd=folder,
            env={**own, "PATH": path, "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    finally:
        done.set()
        ticker.join()
    if result.returncode != 0:
        last = "\n".join((result.stdout + result.stderr).splitlines()[-_LINES:])
        raise GateFailed(f"{program} {' '.join(arguments)}: exit code {result.returncode}\n{last}")
    return result.stdout


def _tick(what: str, done: threading.Event) -> None:
    started = time.monotonic()
    while not done.wait(15):
        print(f"  {what}: {time.monotonic() - started:.0f} s", flush=True)
