"""Admissions a second through the ledger, beside pgbench running the same statements in the same run.

python -m tests.bench.admissions [--seconds 5] [--hosts 50]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limen.ledger.pool import Settings
from tests.bench import clients, pgbench
from tests.bench.clients import Load
from tests.bench.setting import TREES, prepare
from tests.lab.postgres import Cluster

GROUPED = Settings(idle=2)
UNGROUPED = Settings(idle=2, lanes=100, group=1)


def main() -> None:
    """Measure and print; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each figure is measured")
    parser.add_argument("--hosts", type=int, default=TREES, help="hosts that the claims are spread over")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2, help="of the 50 clients")
    options = parser.parse_args()
    with cluster() as (url, folder):
        print("preparing 50 trees of 3 levels, 4 resources", file=sys.stderr, flush=True)
        prepare(url, options.hosts)
        sys.exit(0 if measure(url, folder, options) else 1)


def measure(url: str, folder: Path, options: argparse.Namespace) -> bool:
    """Print one line a setting and the ratios; whether the targets are met."""
    print(
        f"{options.hosts} hosts, {options.processes} client processes for 50 clients, "
        f"{options.seconds} s each"
    )
    print(f"{'':24}{'pgbench':>10}{'ungrouped':>11}{'grouped':>9}{'of pgbench':>12}{'median':>9}{'p95':>9}")
    rates: dict[tuple[int, int], tuple[float, float, float]] = {}
    for trees in (1, TREES):
        for count in (1, 8, 50):
            processes = min(count, options.processes) if count > 1 else 1
            raw = pgbench.run(url, folder, count, trees, options.hosts, options.seconds)

            def through(
                settings: Settings, count: int = count, trees: int = trees, processes: int = processes
            ) -> clients.Rate:
                return clients.run(
                    url, Load(count, trees, options.hosts, options.seconds, settings, processes)
                )

            single, grouped = through(UNGROUPED), through(GROUPED)
            rates[trees, count] = raw, single.per_second, grouped.per_second
            best = max(single.per_second, grouped.per_second)
            name = f"{'1 hot project' if trees == 1 else f'{trees} trees'}, {count} clients"
            print(
                f"{name:24}{raw:10.0f}{single.per_second:11.0f}{grouped.per_second:9.0f}{best / raw:12.0%}"
                f"{grouped.median:7.1f}ms{grouped.slow:7.1f}ms",
                flush=True,
            )
    raw, single_rate, grouped_rate = rates[TREES, 50]
    hot = rates[1, 50]
    print(
        f"50 trees, 50 clients: grouped {grouped_rate / raw:.0%}, ungrouped {single_rate / raw:.0%} "
        "of pgbench (target 70 %)"
    )
    print(f"1 hot project, 50 clients: grouped {hot[2] / hot[1]:.1f} times ungrouped (target 5)")
    return grouped_rate >= 0.7 * raw and hot[2] >= 5 * hot[1]


@contextmanager
def cluster() -> Iterator[tuple[str, Path]]:
    """A throwaway cluster with fsync on: (URL over its socket, a folder for scripts)."""
    with tempfile.TemporaryDirectory(prefix="limen-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Cluster(folder / "pg")
        server.up()
        try:
            yield f"{server.url}?host={server.folder}", folder
        finally:
            server.down()


if __name__ == "__main__":
    main()
