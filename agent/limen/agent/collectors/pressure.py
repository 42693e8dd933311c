"""Pressure stall information, where the kernel has it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from limen.agent.metrics import Family, counter

FOLDER = Path("/proc/pressure")
RESOURCES = ("cpu", "io", "memory")


@dataclass(frozen=True)
class Stall:
    """Seconds since boot in which some tasks waited for the resource, and in which all did."""

    waiting: float
    stalled: float | None


@dataclass(frozen=True)
class PressureReading:
    """By resource: `cpu`, `io`, `memory`; empty where the kernel does not tell."""

    resources: Mapping[str, Stall]

    def families(self) -> Iterable[Family]:
        for resource, stall in self.resources.items():
            waiting = counter(
                f"node_pressure_{resource}_waiting_seconds_total",
                f"Total time in seconds that processes have waited for {resource}.",
            )
            waiting.add(stall.waiting)
            yield waiting
            if resource != "cpu":  # the whole machine always has a task that gets the CPU
                stalled = counter(
                    f"node_pressure_{resource}_stalled_seconds_total",
                    f"Total time in seconds that no process could make progress for {resource}.",
                )
                stalled.add(stall.stalled)
                yield stalled


class PressureCollector:
    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def collect(self) -> PressureReading:
        if not self._folder.is_dir():
            return PressureReading({})
        return PressureReading({name: _stall((self._folder / name).read_text()) for name in RESOURCES})


def _stall(text: str) -> Stall:
    """Of lines such as `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234` (microseconds)."""
    totals = {line.split()[0]: int(line.rpartition("total=")[2]) / 1e6 for line in text.splitlines()}
    return Stall(waiting=totals["some"], stalled=totals.get("full"))
