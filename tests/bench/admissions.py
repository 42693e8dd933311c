"""Admissions a second through the ledger, beside pgbench running the same statements in the same run.

python -m tests.bench.admissions [--seconds 3] [--rounds 3] [--hosts 50]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from limen.ledger.pool import Settings
from tests.bench import clients, pgbench
from tests.bench.clients import Load, Rate
from tests.bench.setting import TREES, prepare
from tests.lab.postgres import Cluster

GROUPED = Settings(idle=2)
UNGROUPED = Settings(idle=2, lanes=100, group=1)


@dataclass(frozen=True)
class Figures:
    """Admissions a second, the median of several rounds; latencies (ms) are of the grouped path."""

    pgbench: float
    ungrouped: float
    grouped: float
    median: float
    slow: float


def main() -> None:
    """Measure and print; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a round of a figure takes")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, whose median is printed")
    parser.add_argument("--hosts", type=int, default=TREES, help="hosts that the claims are spread over")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2, help="of the clients")
    options = parser.parse_args()
    with cluster() as (url, folder):
        say(f"preparing {TREES} trees of 3 levels, 4 resources, {options.hosts} hosts")
        prepare(url, options.hosts)
        figures = {
            (trees, count): measure(url, folder, options, trees, count)
            for trees in (1, TREES)
            for count in (1, 8, 50)
        }
    sys.exit(0 if report(figures, options) else 1)


def measure(url: str, folder: Path, options: argparse.Namespace, trees: int, count: int) -> Figures:
    """One setting. The three ways take turns, so that whatever else the machine does hits all of them."""
    processes = min(count, options.processes)
    raw: list[float] = []
    single: list[Rate] = []
    grouped: list[Rate] = []
    for number in range(options.rounds):
        say(f"{trees} trees, {count} clients: round {number + 1} of {options.rounds}")
        raw.append(pgbench.run(url, folder, count, trees, options.hosts, options.seconds))
        for settings, rates in ((UNGROUPED, single), (GROUPED, grouped)):
            load = Load(count, trees, options.hosts, options.seconds, settings, processes)
            rates.append(clients.run(url, load))
    return Figures(
        median(raw),
        median(rate.per_second for rate in single),
        median(rate.per_second for rate in grouped),
        median(rate.median for rate in grouped),
        median(rate.slow for rate in grouped),
    )


def report(figures: dict[tuple[int, int], Figures], options: argparse.Namespace) -> bool:
    """Print a line a setting, and the ratios; whether the targets are met."""
    print(
        f"admissions a second; {options.hosts} hosts, {options.processes} client processes, "
        f"median of {options.rounds} rounds of {options.seconds} s"
    )
    print(f"{'':27}{'pgbench':>9}{'ungrouped':>16}{'grouped':>16}{'median':>11}{'p95':>11}")
    for (trees, count), line in figures.items():
        name = f"{'1 hot project' if trees == 1 else f'{trees} trees'}, {count} clients"
        print(
            f"{name:27}{line.pgbench:9.0f}{line.ungrouped:9.0f} ({line.ungrouped / line.pgbench:4.0%})"
            f"{line.grouped:9.0f} ({line.grouped / line.pgbench:4.0%}){line.median:9.1f}ms{line.slow:9.1f}ms"
        )
    spread, hot = figures[TREES, 50], figures[1, 50]
    of_pgbench, times = spread.grouped / spread.pgbench, hot.grouped / hot.ungrouped
    print(f"{TREES} trees, 50 clients: the ledger does {of_pgbench:.0%} of pgbench (target 70 %)")
    print(f"1 hot project, 50 clients: grouped is {times:.1f} times ungrouped (target 5)")
    return of_pgbench >= 0.7 and times >= 5


def say(text: str) -> None:
    """Progress, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


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
