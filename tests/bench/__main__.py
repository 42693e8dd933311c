"""Every benchmark, one after the other: `python -m tests.bench [--only admissions,preview] [--quick]`.

Performance is never a test: a missed target is told at the end and the exit code is 0. It is 1 when a
benchmark itself failed.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.bench.admissions import MISSED


@dataclass(frozen=True)
class Bench:
    """A module of this package; it exits with `missed` when it measured and a target was missed."""

    name: str
    measures: str
    target: str
    quick: tuple[str, ...]
    missed: int

    def run(self, quick: bool) -> int:
        """Its exit code; what it prints goes where this prints."""
        arguments = self.quick if quick else ()
        return subprocess.run([sys.executable, "-m", f"tests.bench.{self.name}", *arguments]).returncode


BENCHES = (
    Bench(
        "admissions",
        "admissions a second through the ledger and the API, beside pgbench running the same statements",
        "ledger at least 70 % of pgbench on 50 trees with 50 clients; grouped at least 5 times ungrouped "
        "on one hot project with 50 clients",
        ("--seconds", "1", "--rounds", "1"),
        missed=MISSED,
    ),
    Bench(
        "preview",
        "`pulumi preview` of a new stack with and without Limen, and the admission by itself",
        "95 % of admissions within 100 ms",
        ("--runs", "1", "--admissions", "20"),
        missed=MISSED,
    ),
    Bench(
        "preview_report",
        "`limen preview-report` of a preview of 200 resources in all formats, beside `limen --version`",
        "a report within a second, the whole process",
        ("--runs", "3"),
        missed=MISSED,
    ),
    Bench(
        "ansible_vm",
        "100 VMs that are as declared, by one task of limen.platform.vm, beside a loop over "
        "community.libvirt.virt and a bare libvirt-python script",
        "at least 20 times faster than the loop; at most 1.3 times the script plus an empty task",
        ("--vms", "20", "--runs", "1"),
        missed=MISSED,
    ),
    Bench(
        "agent",
        "a scrape of limen-agent beside the bare getAllDomainStats with 50 and 200 domains, and beside "
        "prometheus-node-exporter; its memory and its libvirt calls",
        "at most 1.2 times the bare call plus 10 ms; at most twice node_exporter; 45 MiB after 1,000 "
        "scrapes; as many libvirt calls with 200 domains as with 50",
        ("--domains", "5,20", "--paused", "2", "--scrapes", "10", "--resident", "100"),
        missed=MISSED,
    ),
    Bench(
        "start_hook",
        "libvirt's start hook with 1,000 domains admitted, beside a Python hook that does nothing",
        "an answer within 200 ms",
        ("--runs", "3"),
        missed=MISSED,
    ),
)


def main() -> int:
    """Run what was chosen; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", type=_chosen, default=BENCHES, metavar="NAME,...", help=f"of {_names()}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: rough figures")
    options = parser.parse_args()
    said: list[str] = []
    failed = False
    for bench in options.only:
        print(f"== {bench.name}: {bench.measures}; target: {bench.target}", flush=True)
        started = time.monotonic()
        code = bench.run(options.quick)
        verdict = {0: "met", bench.missed: "MISSED"}.get(code)
        failed |= verdict is None
        said.append(f"{bench.name}: {verdict or f'the benchmark failed (exit code {code})'}: {bench.target}")
        print(f"== {bench.name}: {time.monotonic() - started:.0f} s", flush=True)
    print("Targets", *said, sep="\n  ")
    return 1 if failed else 0


def _names() -> str:
    return ", ".join(bench.name for bench in BENCHES)


def _chosen(text: str) -> tuple[Bench, ...]:
    names = text.split(",")
    unknown = sorted(set(names) - {bench.name for bench in BENCHES})
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no benchmark {', '.join(unknown)}: choose of {_names()}")
    return tuple(bench for bench in BENCHES if bench.name in names)


if __name__ == "__main__":
    sys.exit(main())
