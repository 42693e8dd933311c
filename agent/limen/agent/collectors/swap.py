"""Swap."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from limen.agent.metrics import Family, counter, gauge


@dataclass(frozen=True)
class SwapReading:
    """Bytes; `read` and `written` since boot."""

    total: int
    free: int
    read: int
    written: int

    def families(self) -> Iterable[Family]:
        read = counter("limen_swap_read_bytes_total", "Bytes read back from swap.")
        written = counter("limen_swap_written_bytes_total", "Bytes written to swap.")
        read.add(self.read)
        written.add(self.written)
        return [
            gauge("limen_swap_total_bytes", "Size of the swap.", self.total),
            gauge("limen_swap_free_bytes", "Swap that is free.", self.free),
            read,
            written,
        ]


class SwapCollector:
    def collect(self) -> SwapReading:
        seen = psutil.swap_memory()
        return SwapReading(total=seen.total, free=seen.free, read=seen.sin, written=seen.sout)
