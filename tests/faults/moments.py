"""When to strike: after a time, or as soon as a line of output appears."""

import queue
import random
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Moment:
    """`seconds` after the start, or (then it is None) when line number `line` is printed."""

    seconds: float | None
    line: int = 0

    def __str__(self) -> str:
        return f"line {self.line}" if self.seconds is None else f"{self.seconds:.1f} s"


@dataclass(frozen=True)
class Run:
    """A run that was struck: whether it was in time, its exit code, and everything it printed."""

    struck: bool
    code: int
    output: str
    lines: int
    seconds: float


def choose(chance: random.Random, seconds: float, lines: int) -> Moment:
    """A moment within a run that is expected to take so long and to print so many lines."""
    if chance.random() < 0.5:
        return Moment(chance.uniform(0.0, seconds))
    return Moment(None, chance.randint(1, max(1, lines)))


def strike(
    process: "subprocess.Popen[str]", moment: Moment | None, blow: Callable[[], object], limit: float
) -> Run:
    """Follow the process, call `blow` at the moment, and wait for the end (at most `limit` seconds).

    Raises TimeoutError when it does not end; the process is killed then.
    """
    started = time.monotonic()
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    text: list[str] = []
    struck, ended = False, False
    while not ended:
        passed = time.monotonic() - started
        if passed > limit:
            process.kill()
            raise TimeoutError(f"pulumi did not end within {limit:.0f} s:\n{''.join(text)}")
        until = limit if struck or moment is None or moment.seconds is None else moment.seconds
        try:
            line = lines.get(timeout=max(0.0, min(0.5, until - passed)))
            ended = line is None or process.poll() is not None
            text.append(line or "")
        except queue.Empty:
            # The pipe stays open while an orphan has it: the end is pulumi's end.
            ended = process.poll() is not None
        if struck or moment is None or ended:
            continue
        due = (
            len(text) >= moment.line
            if moment.seconds is None
            else time.monotonic() - started >= moment.seconds
        )
        if due:
            blow()
            struck = True
    process.wait()
    while not lines.empty():
        text.append(lines.get() or "")
    return Run(struck, process.returncode, "".join(text), len(text), time.monotonic() - started)
