"""The Go toolchain of this machine, and builds with it."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError
from .pins import Component, version_tuple
from .say import say

PROGRESS_EVERY_S = 5.0
# From this version on Go fetches the newer Go that a module asks for, unless GOTOOLCHAIN=local.
FETCHES_ITSELF = (1, 21)

UNREACHABLE = (
    "dial tcp", "i/o timeout", "no such host", "connection refused", "TLS handshake", "proxyconnect",
    "404 Not Found", "410 Gone", "502 Bad Gateway", "503 Service Unavailable", "unexpected EOF",
)  # fmt: skip


@dataclass(frozen=True)
class Go:
    """An installed Go; version and target as `go env` names them."""

    path: str
    version: str
    toolchain: str
    target: str


def find_go() -> Go:
    """The go on PATH. Raises BuildError."""
    path = shutil.which("go")
    if path is None:
        raise BuildError(
            "there is no Go on PATH, and no suitable Pulumi CLI: put Go on PATH (often it is in "
            "/usr/local/go/bin), or install the official Pulumi CLI, and run this again"
        )
    names = ["GOVERSION", "GOTOOLCHAIN", "GOOS", "GOARCH"]
    try:
        done = subprocess.run([path, "env", *names], capture_output=True, text=True, check=True, cwd="/")
    except (OSError, subprocess.CalledProcessError) as exc:
        raise BuildError(f"{path} does not work: {getattr(exc, 'stderr', '') or exc}") from exc
    version, toolchain, system, machine = done.stdout.split("\n")[:4]
    return Go(path=path, version=version, toolchain=toolchain, target=f"{system}/{machine}")


def check_go(go: Go, component: Component) -> None:
    """Raises BuildError where this Go is too old for the component."""
    have = version_tuple(go.version)
    if have >= component.needs_go or (have >= FETCHES_ITSELF and go.toolchain != "local"):
        return
    needed = ".".join(str(part) for part in component.needs_go)
    raise BuildError(
        f"{go.path} is {go.version}, but {component.title} needs Go {needed} or newer: install a newer Go "
        "and put it first on PATH, or install the official Pulumi CLI"
    )


def build_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables for a build that depends on the module alone: no cgo, no workspace, no extra flags.

    Where modules come from and how they are checked stays as `go env` of this machine says.
    """
    return {
        **environ,
        "CGO_ENABLED": "0",
        "GOWORK": "off",
        "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath",
    }


def run(argv: Sequence[str], cwd: Path, log: Path, title: str) -> None:
    """Run one step of a build with its output in `log`, saying every few seconds how far it is.

    Raises BuildError with the likely cause and the last lines of the log.
    """
    started = time.monotonic()
    with log.open("ab") as sink:
        process = subprocess.Popen(
            list(argv), cwd=cwd, env=build_environment(os.environ),
            stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            while True:
                try:
                    code = process.wait(PROGRESS_EVERY_S)
                    break
                except subprocess.TimeoutExpired:
                    say(f"  {title}: {time.monotonic() - started:.0f} s, {progress(log)}")
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        raise BuildError(explain(title, code, log))


def progress(log: Path) -> str:
    """How far a `go build -v` is, from the lines it has written."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    fetched = sum(line.startswith("go: downloading ") for line in lines)
    compiled = sum("/" in line and " " not in line for line in lines)
    return f"{fetched} modules fetched, {compiled} packages compiled"


def explain(title: str, code: int, log: Path) -> str:
    """The text of a failed build: what to do, then the end of the log."""
    text = log.read_text(encoding="utf-8", errors="replace")
    tail = "\n".join("    " + line for line in text.splitlines()[-8:])
    if "no space left on device" in text:
        advice = "the disk is full: make room (`go clean -cache -modcache` frees what Go keeps)"
    elif any(sign in text for sign in UNREACHABLE):
        advice = "a Go module could not be fetched: check the network and `go env GOPROXY`, then try again"
    elif code < 0:
        advice = f"it was ended by signal {-code}; a machine with less than 4 GB of memory may have run out"
    else:
        advice = "this should not happen with an untouched checkout"
    return f"building {title} failed: {advice}\n{tail}\n    (all of it: {log})"
