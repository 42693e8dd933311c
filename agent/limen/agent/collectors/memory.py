"""Memory of the host.

The names are ours: node_exporter's (`node_memory_MemTotal_bytes`) are in a case that promtool finds wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from limen.agent.metrics import Family, gauge


@dataclass(frozen=True)
class MemoryReading:
    """Bytes. `cached` counts slab that can be given back as well, other than the kernel's `Cached`."""

    total: int
    free: int
    available: int
    buffers: int
    cached: int
    shared: int
    slab: int
    active: int
    inactive: int

    def families(self) -> Iterable[Family]:
        columns = {
            "total": "Memory of the host.",
            "free": "Memory that nothing uses.",
            "available": "Memory that programs can have before the host swaps.",
            "buffers": "Buffers of block devices.",
            "cached": "Page cache, and slab that can be given back.",
            "shared": "Shared memory and tmpfs.",
            "slab": "The kernel's own structures.",
            "active": "Memory that was used lately.",
            "inactive": "Memory that was not used lately.",
        }
        for name, help_ in columns.items():
            yield gauge(f"limen_memory_{name}_bytes", help_, getattr(self, name))


class MemoryCollector:
    def collect(self) -> MemoryReading:
        seen = psutil.virtual_memory()
        return MemoryReading(
            total=seen.total,
            free=seen.free,
            available=seen.available,
            buffers=seen.buffers,
            cached=seen.cached,
            shared=seen.shared,
            slab=seen.slab,
            active=seen.active,
            inactive=seen.inactive,
        )
