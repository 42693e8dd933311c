"""Since when the host runs."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from limen.agent.metrics import Family, gauge


@dataclass(frozen=True)
class UptimeReading:
    """Seconds since the epoch."""

    boot_time: float
    now: float

    def families(self) -> Iterable[Family]:
        return [
            gauge("node_boot_time_seconds", "Node boot time, in unixtime.", self.boot_time),
            gauge("node_time_seconds", "System time in seconds since epoch (1970).", self.now),
        ]


class UptimeCollector:
    def collect(self) -> UptimeReading:
        return UptimeReading(psutil.boot_time(), time.time())
