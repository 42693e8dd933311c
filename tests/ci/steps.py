"""Steps of a run, one after the other or in lanes side by side, each with its time. Standard library only."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# What is ended has this long (seconds) to take away what it made.
PATIENCE = 30.0


@dataclass(frozen=True)
class Step:
    """A command with a name for people."""

    name: str
    argv: Sequence[str]


@dataclass
class Row:
    """What a step took: seconds from the run's start, seconds that it lasted, and how it ended."""

    name: str
    begun: float
    seconds: float
    outcome: str


@dataclass
class Alive:
    """A step that runs, as the leader of a group of processes of its own."""

    step: Step
    begun: float
    process: "subprocess.Popen[bytes]"
    # Where its output is kept until it has ended; None if it is shown at once.
    output: Path | None


@dataclass
class Run:
    """The steps of one run."""

    folder: Path
    log: Path
    clock: Callable[[], float] = time.monotonic
    say: Callable[[str], None] = lambda line: print(line, flush=True)
    rows: list[Row] = field(default_factory=list)
    started: float = 0.0
    alive: list[Alive] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = self.clock()
        self.log.mkdir(parents=True, exist_ok=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock() - self.started

    def step(self, step: Step) -> bool:
        """Run one with its output shown; whether it ended as it should."""
        one = self.begin(step, None)
        one.process.wait()
        return self.end(one)

    def together(self, lanes: Sequence[Sequence[Step]]) -> bool:
        """Run lanes side by side, the steps of each in turn; whether all held.

        The output of a step is shown when it has ended. One that fails stops no other.
        """
        ahead: list[Iterator[Step]] = [iter(lane) for lane in lanes]
        running = [self.begin_next(lane) for lane in ahead]
        held = True
        while any(running):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            for place, one in enumerate(running):
                if one is not None and one.process.poll() is not None:
                    held &= self.end(one)
                    running[place] = self.begin_next(ahead[place])
        return held

    def begin_next(self, lane: Iterator[Step]) -> Alive | None:
        """Begin the lane's next step; None where there is none."""
        step = next(lane, None)
        return None if step is None else self.begin(step, self.log / f"{'-'.join(step.name.split())}.log")

    def begin(self, step: Step, output: Path | None) -> Alive:
        """Start a step."""
        self.say(f"\n== {step.name}: begun ({self.elapsed:.0f} s)")
        begun = self.elapsed
        with contextlib.ExitStack() as stack:
            target = None if output is None else stack.enter_context(output.open("wb"))
            process = subprocess.Popen(
                step.argv,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=None if target is None else subprocess.STDOUT,
                start_new_session=True,
            )
        self.alive.append(Alive(step, begun, process, output))
        return self.alive[-1]

    def end(self, one: Alive, stopped: bool = False) -> bool:
        """Note what a step took that has ended; whether it held."""
        self.alive.remove(one)
        code = one.process.returncode
        outcome = "STOPPED" if stopped else "ok" if code == 0 else f"FAILED (exit code {code})"
        if one.output is not None:
            self.say(f"\n== {one.step.name}: its output\n{one.output.read_text(errors='replace')}")
        self.rows.append(Row(one.step.name, one.begun, self.elapsed - one.begun, outcome))
        self.say(f"== {one.step.name}: {outcome}, {self.rows[-1].seconds:.0f} s")
        return outcome == "ok"

    def stop(self) -> None:
        """End what still runs: the group of each step, and nothing else."""
        for one in self.alive:
            self.signal(one, signal.SIGTERM)
        for one in list(self.alive):
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.process.wait(PATIENCE)
            self.signal(one, signal.SIGKILL)
            one.process.wait()
            self.end(one, stopped=True)

    @staticmethod
    def signal(one: Alive, number: signal.Signals) -> None:
        """Send a signal to all of a step's group that is left."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.process.pid, number)

    def table(self, planned: Sequence[str] = ()) -> str:
        """What each step took, in the order of their begin, and which of the planned ones did not begin."""
        rows = sorted(self.rows, key=lambda row: row.begun)
        lines = [f"{row.begun:6.0f} {row.seconds:7.0f}  {row.name}: {row.outcome}" for row in rows]
        names = {row.name for row in rows}
        missing = [f"{'-':>6} {'-':>7}  {name}: not begun" for name in planned if name not in names]
        last = f"{'':6} {self.elapsed:7.0f}  in all"
        return "\n".join([" begun seconds  step", *lines, *missing, last])
