"""I/O of the host's disks."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from limen.agent.metrics import Family, counter, labels

# What node_exporter leaves out as well: partitions count twice, and these are no disks.
_IGNORED = re.compile(r"(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+")


@dataclass(frozen=True)
class DiskReading:
    """Counters of one disk since boot; `busy_seconds` is the time in which any I/O was under way."""

    device: str
    reads: int
    reads_merged: int
    read_bytes: int
    read_seconds: float
    writes: int
    writes_merged: int
    written_bytes: int
    write_seconds: float
    busy_seconds: float


@dataclass(frozen=True)
class DisksReading:
    disks: tuple[DiskReading, ...]

    def families(self) -> Iterable[Family]:
        columns = (
            ("reads_completed_total", "The total number of reads completed successfully.", "reads"),
            ("reads_merged_total", "The total number of reads merged.", "reads_merged"),
            ("read_bytes_total", "The total number of bytes read successfully.", "read_bytes"),
            ("read_time_seconds_total", "The total number of seconds spent by all reads.", "read_seconds"),
            ("writes_completed_total", "The total number of writes completed successfully.", "writes"),
            ("writes_merged_total", "The number of writes merged.", "writes_merged"),
            ("written_bytes_total", "The total number of bytes written successfully.", "written_bytes"),
            ("write_time_seconds_total", "The total number of seconds spent by all writes.", "write_seconds"),
            ("io_time_seconds_total", "Total seconds spent doing I/Os.", "busy_seconds"),
        )
        for name, help_, attribute in columns:
            family = counter(f"node_disk_{name}", help_)
            for disk in self.disks:
                family.add(getattr(disk, attribute), labels(device=disk.device))
            yield family


class DisksCollector:
    def collect(self) -> DisksReading:
        seen = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        return DisksReading(
            tuple(
                DiskReading(
                    device=name,
                    reads=disk.read_count,
                    reads_merged=disk.read_merged_count,
                    read_bytes=disk.read_bytes,
                    read_seconds=disk.read_time / 1000,
                    writes=disk.write_count,
                    writes_merged=disk.write_merged_count,
                    written_bytes=disk.write_bytes,
                    write_seconds=disk.write_time / 1000,
                    busy_seconds=disk.busy_time / 1000,
                )
                for name, disk in sorted(seen.items())
                if not _IGNORED.fullmatch(name)
            )
        )
