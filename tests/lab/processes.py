"""Processes of the lab: told from foreign ones by what cannot be reused, and found again after any crash."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.lab.errors import LabError

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Process:
    """A process: its id and its start time in clock ticks since boot, which together are never reused."""

    pid: int
    started: int

    @property
    def name(self) -> str:
        """The program's name, or an empty string when the process is gone."""
        try:
            return Path(f"/proc/{self.pid}/comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""


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


def everyone() -> Iterator[Process]:
    """Every process of the machine but this one."""
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid() and (process := identify(int(entry))):
            yield process


def same_file(ours: Path, theirs: str) -> bool:
    """Whether both paths lead to one file; False where a process, or its right to be asked, is gone."""
    try:
        return os.path.samestat(os.stat(ours), os.stat(theirs))
    except OSError:
        return False


def with_folder(path: Path, seen_at: str) -> list[Process]:
    """The processes that see our folder at that place of their mount namespace (`/run/libvirt`, say)."""
    return [process for process in everyone() if same_file(path, f"/proc/{process.pid}/root{seen_at}")]


def variable(process: Process, name: str) -> str | None:
    """This environment variable of the process, as it was started; None if unset, or when it is gone."""
    try:
        lines = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    start = f"{name}=".encode()
    return next((os.fsdecode(line.removeprefix(start)) for line in lines if line.startswith(start)), None)


def leads_session(process: Process) -> bool:
    """Whether it is the first process of its session, as a daemon is."""
    try:
        return os.getsid(process.pid) == process.pid
    except OSError:
        return False


def with_variable(name: str, value: str) -> list[Process]:
    """The leaders of sessions that were started with this environment variable, oldest first."""
    found = [one for one in everyone() if variable(one, name) == value and leads_session(one)]
    return sorted(found, key=lambda process: process.started)


def start(argv: list[str], log: Path, mark: tuple[str, str], env: Mapping[str, str] | None = None) -> Process:
    """Start a daemon: a session of its own, no child of ours, its output appended to `log`.

    It carries `mark`, a variable and its value, in its environment: so it is found again even if we are
    killed right now. Raises LabError when the program is missing or ends at once.
    """
    if shutil.which(argv[0]) is None:
        raise LabError(f"{argv[0]} is missing: run `python3 -m tests.lab packages` as root first")
    with log.open("ab") as output:
        subprocess.run(
            ["setsid", "--fork", *argv],
            env={**(os.environ if env is None else env), mark[0]: mark[1]},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=True,
        )
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if found := with_variable(*mark):
            return found[-1]
        time.sleep(0.02)
    raise LabError(f"{argv[0]} ended at once: see {log}")


def wait_until(check: Callable[[], Answer], seconds: float, what: str) -> Answer:
    """What `check` answers once that is true: for what tells nobody when it happens, and has to be polled.

    Raises LabError naming `what` when it is not true within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(0.05)
    return found


def stop(processes: Iterable[Process], what: str, seconds: float = 10) -> None:
    """SIGTERM to all, SIGKILL after `seconds` to those that are left; nothing when none runs.

    Raises LabError when one survives.
    """
    left = list(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [process for process in left if alive(process)]
        for process in left:
            send(process, number)
        deadline = time.monotonic() + seconds
        while any(alive(process) for process in left) and time.monotonic() < deadline:
            time.sleep(0.02)
    if left := [process for process in left if alive(process)]:
        raise LabError(f"{what} (process {left[0].pid}) does not end")


def send(process: Process, number: signal.Signals) -> None:
    """Signal exactly this process: a process id that was reused meanwhile is not hit."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if alive(process):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
    finally:
        os.close(handle)
