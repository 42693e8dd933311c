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

    def is_due(self, seconds: float, lines: int) -> bool:
        """Whether it has come, so long after the start and with so many lines printed."""
        return lines >= self.line if self.seconds is None else seconds >= self.seconds

    def __str__(self) -> str:
        return f"line {self.line}" if self.seconds is None else f"{self.seconds:.1f} s"


NEVER = Moment(float("inf"))


@dataclass(frozen=True)
class Run:
    """A run and what was struck in it (empty: it was over before), its exit code, what it printed."""

    struck: tuple[str, ...]
    code: int
    output: str
    seconds: float

    @property
    def lines(self) -> int:
        """How many lines told of work; what follows them are the stack's outputs."""
        return self.output.partition("\nOutputs:")[0].count("\n") + 1


def choose(chance: random.Random, seconds: float, lines: int) -> Moment:
    """A moment within a run that is expected to take so long and to print so many lines."""
    if chance.random() < 0.5:
        return Moment(chance.uniform(0.0, seconds))
    return Moment(None, chance.randint(1, max(1, lines)))


def strike(
    process: "subprocess.Popen[str]", moment: Moment, blow: Callable[[], list[str]], limit: float
) -> Run:
    """Follow the process, call `blow` from the moment on until it strikes something, wait for the end.

    Raises TimeoutError when it does not end within `limit` seconds; the process is killed then.
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
    struck: list[str] = []
    ended = False
    while not ended:
        passed = time.monotonic() - started
        if passed > limit:
            process.kill()
            raise TimeoutError(f"pulumi did not end within {limit:.0f} s:\n{''.join(text)}")
        try:
            line = lines.get(timeout=0.05)
            ended = line is None or process.poll() is not None
            text.append(line or "")
        except queue.Empty:
            # The pipe stays open while an orphan has it: the end is pulumi's end.
            ended = process.poll() is not None
        passed = time.monotonic() - started
        if not struck and not ended and moment.is_due(passed, len(text)):
            struck = blow()
    process.wait()
    while not lines.empty():
        text.append(lines.get() or "")
    return Run(tuple(struck), process.returncode, "".join(text), time.monotonic() - started)
