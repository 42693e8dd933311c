"""Get a fresh Debian machine ready: packages, Python environment, Pulumi toolchain, guest image.

Standard library only: it runs under the system's Python before anything else is installed. Every step is
idempotent and near instant when there is nothing to do; slow results are cached outside the tree.
"""

import argparse
import concurrent.futures
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.lab.lab import real_host

ROOT = Path(__file__).resolve().parents[2]
DOT = ROOT / ".limen"
VENV = DOT / "venv"
STEPS = ("packages", "venv", "toolchain", "image")
# uv installs the environment ten times as fast as pip; it is the one package that pip itself brings in.
UV = "uv==0.13.8"

_print_lock = threading.Lock()


class BootstrapError(Exception):
    """A step failed; the message says which command and what to do."""


def say(step: str, line: str) -> None:
    """Print one line of a step's progress."""
    with _print_lock:
        print(f"{step:>9} | {line}", flush=True)


def run(step: str, argv: list[str], quiet: bool = False) -> None:
    """Run one command with its output prefixed by the step; raises BootstrapError with its last lines."""
    tail: list[str] = []
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            tail = [*tail[-19:], line.rstrip()]
            if not quiet:
                say(step, line.rstrip())
    if process.returncode != 0:
        if quiet:
            for line in tail:
                say(step, line)
        raise BootstrapError(
            f"{' '.join(argv)} ended with exit code {process.returncode}; its last lines are above"
        )


def packages() -> None:
    """Debian packages of the lab; needs root and apt-get."""
    run("packages", [sys.executable, "-m", "tests.lab", "packages"])


def venv() -> None:
    """The environment .limen/venv with Limen installed editable, as constraints.txt pins it."""
    python = VENV / "bin" / "python"
    stamp = VENV / ".limen-stamp"
    inputs = hashlib.sha256(f"{UV} {ROOT} {sys.version}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        inputs.update((ROOT / name).read_bytes())
    key = inputs.hexdigest()
    if stamp.exists() and stamp.read_text() == key and python.exists():
        return
    say("venv", "laying out .limen/venv")
    if not (VENV / "bin" / "pip").exists() or not python.exists():
        run("venv", [sys.executable, "-m", "venv", "--clear", str(VENV)], quiet=True)
    if not (VENV / "bin" / "uv").exists():
        run("venv", [str(python), "-m", "pip", "install", "--quiet", UV], quiet=True)
    install = [str(VENV / "bin" / "uv"), "pip", "install", "--python", str(python), "--quiet"]
    run("venv", [*install, "--constraints", "constraints.txt", "--editable", ".[dev]"])
    stamp.write_text(key)
    say("venv", "ready")


def toolchain() -> None:
    """The Pulumi CLI, its language host and the plugins, under .limen."""
    run(
        "toolchain",
        [
            sys.executable,
            "pulumi/toolchain/install.py",
            *("--prefix", str(DOT / "toolchain")),
            *("--pulumi-home", str(DOT / "pulumi-home")),
            *("--python", str(VENV / "bin" / "python")),
        ],
    )


def image() -> None:
    """The guest image, built once and cached; not where LIMEN_IMAGE or the host calls for another."""
    if not os.environ.get("LIMEN_IMAGE") and real_host() is None:
        run("image", [sys.executable, "-m", "tests.lab", "image", "--quiet"])


def bootstrap(only: tuple[str, ...]) -> None:
    """Run the named steps: packages first, then what is left side by side."""
    if "packages" in only:
        packages()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = []
        if "image" in only:
            jobs.append(pool.submit(image))
        if "venv" in only:
            venv()
        if "toolchain" in only:
            toolchain()
        for job in jobs:
            job.result()


def main() -> int:
    """Entry point of `python3 -m tests.lab.bootstrap`; exit code 0, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(prog="tests.lab.bootstrap", description=__doc__)
    parser.add_argument(
        "--only", default=",".join(STEPS), help=f"comma-separated steps of {', '.join(STEPS)}"
    )
    only = tuple(parser.parse_args().only.split(","))
    if unknown := set(only) - set(STEPS):
        parser.error(f"unknown step {', '.join(sorted(unknown))}; there are {', '.join(STEPS)}")
    if sys.version_info < (3, 11):  # noqa: UP036  the system's Python runs this before any check of ours
        parser.error("Python 3.11 or newer is needed; set PYTHON=... for make")
    started = time.monotonic()
    DOT.mkdir(exist_ok=True)
    try:
        bootstrap(only)
    except (BootstrapError, OSError) as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1
    if time.monotonic() - started > 5:
        say("bootstrap", f"ready after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
