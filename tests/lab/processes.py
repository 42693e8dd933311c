"""Daemons of the lab: recorded by process id and start time, so that no foreign process is ever signalled."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab.errors import LabError


@dataclass(frozen=True)
class Process:
    """A process: its id and its start time in clock ticks since boot, which together are never reused."""

    pid: int
    started: int


def start_time(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot, or None where there is none (or a zombie)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, field 2, stands in parentheses and may hold blanks; field 22 is the start time.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def identify(pid: int) -> Process | None:
    """The process that has this id now."""
    started = start_time(pid)
    return None if started is None else Process(pid, started)


def alive(process: Process | None) -> bool:
    """Whether exactly this process still runs."""
    return process is not None and start_time(process.pid) == process.started


def record(path: Path, process: Process) -> None:
    """Remember a process in a file (written whole or not at all)."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(process)))
    draft.replace(path)


def recorded(path: Path) -> Process | None:
    """The process remembered in a file, if it still runs."""
    try:
        process = Process(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return process if alive(process) else None


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll a condition; raises LabError naming `what` when it does not hold in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.05)


def stop(process: Process | None, name: str, seconds: float = 10) -> None:
    """SIGTERM, then SIGKILL after `seconds`; does nothing when the process is gone."""
    if process is None or not alive(process):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        try:
            wait_until(lambda: not alive(process), seconds, f"the end of {name}")
        except LabError:
            continue
        return
    raise LabError(f"{name} (process {process.pid}) does not end")


def with_argument(argument: str) -> list[Process]:
    """Every process that has this text within its command line (paths of the lab are unique)."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if argument in line and (process := identify(int(entry.name))):
                found.append(process)
    return found
