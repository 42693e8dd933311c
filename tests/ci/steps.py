"""Steps of a run, one after the other or side by side, each with its time. Standard library only."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """A command with a name for people, and the exit code that is right."""

    name: str
    argv: Sequence[str]
    code: int = 0


@dataclass
class Row:
    """What a step took: seconds from the run's start, seconds that it lasted, and how it ended."""

    name: str
    begun: float
    seconds: float
    outcome: str


@dataclass
class Run:
    """The steps of one run, in the order in which they ended."""

    folder: Path
    log: Path
    clock: Callable[[], float] = time.monotonic
    say: Callable[[str], None] = lambda line: print(line, flush=True)
    rows: list[Row] = field(default_factory=list)
    started: float = 0.0
    alive: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.started = self.clock()
        self.log.mkdir(parents=True, exist_ok=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.clock() - self.started

    def step(self, step: Step) -> bool:
        """Run one with its output shown; whether it ended as it should."""
        self.say(f"\n== {step.name} ({self.elapsed:.0f} s)")
        begun = self.elapsed
        process = self.begin(step, None)
        return self.end(step, process, begun)

    def together(self, steps: Sequence[Step]) -> bool:
        """Run them side by side, each with its output kept and shown when it has ended; whether all held."""
        self.say(f"\n== side by side: {', '.join(step.name for step in steps)} ({self.elapsed:.0f} s)")
        begun = self.elapsed
        ahead = {step.name: (step, self.begin(step, self.output(step))) for step in steps}
        held = True
        while ahead:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            for step, process in list(ahead.values()):
                if process.poll() is not None:
                    del ahead[step.name]
                    self.say(f"\n== {step.name}: its output")
                    self.say(self.output(step).read_text(errors="replace"))
                    held &= self.end(step, process, begun)
        return held

    def output(self, step: Step) -> Path:
        """Where the output of a step that runs beside others is kept."""
        return self.log / f"{'-'.join(step.name.split())}.log"

    def begin(self, step: Step, output: Path | None) -> "subprocess.Popen[bytes]":
        """Start it, as the leader of a group of its own."""
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
        self.alive.append(process)
        return process

    def end(self, step: Step, process: "subprocess.Popen[bytes]", begun: float) -> bool:
        """Wait for it and note what it took."""
        code = process.wait()
        self.alive.remove(process)
        held = code == step.code
        outcome = "ok" if held else f"FAILED (exit code {code}, not {step.code})"
        self.rows.append(Row(step.name, begun, self.elapsed - begun, outcome))
        self.say(f"== {step.name}: {outcome}, {self.rows[-1].seconds:.0f} s")
        return held

    def stop(self) -> None:
        """End what still runs: each group, and nothing else."""
        for process in self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.alive:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
        self.alive.clear()

    def table(self) -> str:
        """What each step took, in the order in which they began."""
        rows = sorted(self.rows, key=lambda row: row.begun)
        lines = [f"{row.begun:6.0f} {row.seconds:7.0f}  {row.name}: {row.outcome}" for row in rows]
        return "\n".join([" begun seconds  step", *lines, f"{'':6} {self.elapsed:7.0f}  in all"])
