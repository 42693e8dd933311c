"""Each host collector reads this machine, under names that users of node_exporter know."""

from pathlib import Path

import pytest

from limen.agent.collectors.pressure import PressureCollector, Stall
from limen.agent.collectors.registry import HOST
from limen.agent.metrics import exposition


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("cpu", 'node_cpu_seconds_total{cpu="0",mode="user"}'),
        ("load", "node_load1 "),
        ("memory", "limen_memory_total_bytes "),
        ("swap", "limen_swap_total_bytes "),
        ("filesystems", "node_filesystem_avail_bytes{"),
        ("interfaces", 'node_network_receive_bytes_total{device="lo"}'),
        ("uptime", "node_boot_time_seconds "),
        ("process", "process_resident_memory_bytes "),
    ],
)
def test_reads_this_machine(name: str, metric: str) -> None:
    text = exposition(HOST[name]().collect().families()).decode()

    assert any(line.startswith(metric) for line in text.splitlines())


def test_pressure(tmp_path: Path) -> None:
    for name in ("cpu", "io", "memory"):
        (tmp_path / name).write_text(
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n"
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n"
        )

    assert PressureCollector(tmp_path).collect().resources["io"] == Stall(1.5, 0.5)


def test_no_pressure_in_the_kernel(tmp_path: Path) -> None:
    assert PressureCollector(tmp_path / "missing").collect().resources == {}
