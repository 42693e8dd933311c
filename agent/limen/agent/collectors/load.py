"""Load averages."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from limen.agent.metrics import Family, gauge


@dataclass(frozen=True)
class LoadReading:
    """Processes that ran or waited, on average over 1, 5 and 15 minutes."""

    load1: float
    load5: float
    load15: float

    def families(self) -> Iterable[Family]:
        return [
            gauge("node_load1", "1m load average.", self.load1),
            gauge("node_load5", "5m load average.", self.load5),
            gauge("node_load15", "15m load average.", self.load15),
        ]


class LoadCollector:
    def collect(self) -> LoadReading:
        return LoadReading(*psutil.getloadavg())
