"""Which processes of a stack's Pulumi run still live, by /proc."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PLUGINS = ("pulumi-resource-", "pulumi-language-", "pulumi-analyzer-")
_STACK_OPTIONS = ("--stack", "-s")
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Living:
    """A process; `orphan`: a plugin whose engine is dead."""

    pid: int
    name: str
    orphan: bool
    started: str


def living(program: Path, stack: str) -> tuple[Living, ...]:
    """Pulumi engines that work on the stack, and plugins that they started in the program's folder."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (name := _pulumi_name(_arguments(entry))) and _folder(entry) == program:
            engine = _engine(int(entry.name))
            if engine is None and name != "pulumi":
                found.append(Living(int(entry.name), name, True, _started(entry)))
            elif engine is not None and concerns(_arguments(_PROC / str(engine)), stack):
                found.append(Living(int(entry.name), name, False, _started(entry)))
    return tuple(sorted(found, key=lambda each: each.pid))


def concerns(arguments: Sequence[str], stack: str) -> bool:
    """Whether a `pulumi` with these arguments may work on the stack: unless it names another one, it may."""
    for index, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        if option in _STACK_OPTIONS:
            named = value if equals else (arguments[index + 1] if index + 1 < len(arguments) else "")
            return named.rpartition("/")[2] == stack.rpartition("/")[2]
    return True


def end(orphans: Sequence[Living], seconds: float) -> tuple[Living, ...]:
    """Ask each to end, then make it; returns those that are still there after `seconds`."""
    for sign, share in ((signal.SIGTERM, 0.7), (signal.SIGKILL, 0.3)):
        left = [each for each in orphans if _is_same(each)]
        for each in left:
            os.kill(each.pid, sign)
        wait_gone(left, seconds * share)
    return tuple(each for each in orphans if _is_same(each))


def wait_gone(processes: Sequence[Living], seconds: float) -> tuple[Living, ...]:
    """Wait until they have ended by themselves; returns those that are still there."""
    give_up = time.monotonic() + seconds
    while (left := tuple(each for each in processes if _is_same(each))) and time.monotonic() < give_up:
        time.sleep(_POLL_SECONDS)
    return left


def _engine(pid: int) -> int | None:
    """The `pulumi` that this process is or descends from."""
    while pid > 1:
        entry = _PROC / str(pid)
        if _pulumi_name(_arguments(entry)) == "pulumi":
            return pid
        pid = _parent(entry)
    return None


def _pulumi_name(arguments: Sequence[str]) -> str | None:
    """`pulumi` or a plugin's name; a plugin may be a script, whose interpreter comes first."""
    for argument in arguments[:3]:
        name = argument.rpartition("/")[2]
        if name == "pulumi" or name.startswith(_PLUGINS):
            return name
    return None


def _arguments(entry: Path) -> list[str]:
    try:
        return (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def _folder(entry: Path) -> Path | None:
    try:
        return (entry / "cwd").readlink()
    except OSError:
        return None


def _stat(entry: Path) -> list[str]:
    """Fields after the command's name, which may hold anything: state, parent, ..."""
    try:
        return (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _parent(entry: Path) -> int:
    fields = _stat(entry)
    return int(fields[1]) if len(fields) > 1 else 0


def _started(entry: Path) -> str:
    fields = _stat(entry)
    return fields[19] if len(fields) > 19 and fields[0] != "Z" else ""


def _is_same(process: Living) -> bool:
    """Whether it still lives, and its number was not given to another process meanwhile."""
    return bool(process.started) and _started(_PROC / str(process.pid)) == process.started
