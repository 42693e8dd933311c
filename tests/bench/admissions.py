"""Admissions a second through the ledger and limen-api, beside pgbench running the same statements.

python -m tests.bench.admissions [--seconds 3] [--rounds 3] [--hosts 50]; exit code 3: a target was missed.
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
from tests.bench.doors import ApiDoor, Door, LedgerDoor, api
from tests.bench.setting import TREES, prepare
from tests.lab.postgres import Cluster

GROUPED = Settings(idle=2)
UNGROUPED = Settings(idle=2, lanes=100, group=1)
MISSED = 3  # exit code: measured, and a target was missed
COUNTS = (1, 8, 50)


@dataclass(frozen=True)
class Figures:
    """Admissions a second of one setting, medians of the rounds."""

    pgbench: float
    ungrouped: Rate
    grouped: Rate
    api: Rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a round of a figure takes")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, whose median is printed")
    parser.add_argument("--hosts", type=int, default=TREES, help="hosts that the claims are spread over")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 2, help="of the clients")
    options = parser.parse_args()
    with cluster() as (url, folder):
        say(f"preparing {TREES} trees of 3 levels, 4 resources, {options.hosts} hosts")
        prepare(url, options.hosts)
        with api(url, folder) as door:
            figures = {
                (trees, count): measure(url, folder, door, options, trees, count)
                for trees in (1, TREES)
                for count in COUNTS
            }
    sys.exit(0 if report(figures, options) else MISSED)


def measure(
    url: str, folder: Path, door: ApiDoor, options: argparse.Namespace, trees: int, count: int
) -> Figures:
    """One setting. The four ways take turns, so that whatever else the machine does hits all of them."""
    load = Load(count, trees, options.hosts, options.seconds, min(count, options.processes))
    doors: tuple[Door, ...] = (LedgerDoor(url, UNGROUPED), LedgerDoor(url, GROUPED), door)
    raw: list[float] = []
    rates: list[list[Rate]] = [[] for _ in doors]
    for number in range(options.rounds):
        say(f"{trees} trees, {count} clients: round {number + 1} of {options.rounds}")
        raw.append(pgbench.run(url, folder, count, trees, options.hosts, options.seconds))
        for each, found in zip(doors, rates, strict=True):
            found.append(clients.run(each, load))
    return Figures(median(raw), *(middle(found) for found in rates))


def middle(rates: list[Rate]) -> Rate:
    """The median of each figure."""
    return Rate(
        median(rate.per_second for rate in rates),
        median(rate.median for rate in rates),
        median(rate.slow for rate in rates),
    )


def report(figures: dict[tuple[int, int], Figures], options: argparse.Namespace) -> bool:
    """Print a line a setting, and the ratios; whether the targets are met."""
    print(
        f"admissions a second (% of pgbench); {options.hosts} hosts, {options.processes} client processes, "
        f"1 limen-api process, all on {os.cpu_count()} CPUs; median of {options.rounds} rounds of "
        f"{options.seconds:g} s; times: median and 95 % of one admission"
    )
    print(
        f"{'':27}{'pgbench':>8}{'ungrouped':>14}{'grouped':>14}{'median':>9}{'p95':>9}{'API':>14}{'median':>9}{'p95':>9}"
    )
    for (trees, count), line in figures.items():
        name = f"{'1 hot project' if trees == 1 else f'{trees} trees'}, {count} clients"
        print(
            f"{name:27}{line.pgbench:8.0f}{_share(line.ungrouped, line)}"
            f"{_share(line.grouped, line)}{_times(line.grouped)}{_share(line.api, line)}{_times(line.api)}"
        )
    spread, hot = figures[TREES, 50], figures[1, 50]
    of_pgbench = spread.grouped.per_second / spread.pgbench
    times = hot.grouped.per_second / hot.ungrouped.per_second
    print(f"{TREES} trees, 50 clients: the ledger does {of_pgbench:.0%} of pgbench (target 70 %)")
    print(f"1 hot project, 50 clients: grouped is {times:.1f} times ungrouped (target 5)")
    for (trees, count), line in figures.items():
        if count == max(COUNTS):
            part = line.api.per_second / line.grouped.per_second
            name = "1 hot project" if trees == 1 else f"{trees} trees"
            print(f"{name}, {count} clients: the API does {part:.0%} of the ledger (no target)")
    return of_pgbench >= 0.7 and times >= 5


def _share(rate: Rate, line: Figures) -> str:
    return f"{rate.per_second:7.0f} ({rate.per_second / line.pgbench:4.0%})"


def _times(rate: Rate) -> str:
    return f"{rate.median:7.1f}ms{rate.slow:7.1f}ms"


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
