"""CPU time by mode."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psutil

from limen.agent.metrics import Family, counter, labels

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


@dataclass(frozen=True)
class CpuReading:
    """Seconds since boot that each CPU spent in each mode, in the order of the CPUs."""

    cpus: tuple[Mapping[str, float], ...]

    def families(self) -> Iterable[Family]:
        family = counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.")
        for number, modes in enumerate(self.cpus):
            for mode, seconds in modes.items():
                family.add(seconds, f'cpu="{number}",{labels(mode=mode)}')
        return [family]


class CpuCollector:
    def collect(self) -> CpuReading:
        times = psutil.cpu_times(percpu=True)
        return CpuReading(tuple({mode: getattr(each, mode) for mode in MODES} for each in times))
