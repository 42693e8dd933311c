"""The agent itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

import psutil

from limen.agent.metrics import Family, counter, gauge, labels


@dataclass(frozen=True)
class ProcessReading:
    """`start_time` in seconds since the epoch."""

    version: str
    resident_bytes: int
    cpu_seconds: float
    threads: int
    open_files: int
    start_time: float

    def families(self) -> Iterable[Family]:
        spent = counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")
        spent.add(self.cpu_seconds)
        build = gauge("limen_agent_build_info", "1, labelled with the agent's version.")
        build.add(1, labels(version=self.version))
        return [
            build,
            spent,
            gauge("process_resident_memory_bytes", "Resident memory size in bytes.", self.resident_bytes),
            gauge("process_open_fds", "Number of open file descriptors.", self.open_files),
            gauge("limen_agent_threads", "Threads of the agent.", self.threads),
            gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                self.start_time,
            ),
        ]


class ProcessCollector:
    def __init__(self) -> None:
        self._version = version("limen")
        self._process = psutil.Process()

    def collect(self) -> ProcessReading:
        with self._process.oneshot():
            spent = self._process.cpu_times()
            return ProcessReading(
                version=self._version,
                resident_bytes=self._process.memory_info().rss,
                cpu_seconds=spent.user + spent.system,
                threads=self._process.num_threads(),
                open_files=self._process.num_fds(),
                start_time=self._process.create_time(),
            )
