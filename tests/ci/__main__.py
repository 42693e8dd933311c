"""Everything that must hold before a change lands, on a clean clone with two cores; `.ci/run` calls it.

Standard library only: the first step makes the environment of the others.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.ci.steps import Run, Step

ROOT = Path(__file__).resolve().parents[2]
DOT = ROOT / ".limen"
PYTHON = str(DOT / "venv/bin/python")
MINUTES = 40
MAKE = "make --no-print-directory"
# Kept for what comes after the scenarios.
RESERVE = 60.0


def make(*arguments: str) -> Sequence[str]:
    """A target of the Makefile."""
    return (*MAKE.split(), *arguments)


def in_lab(script: str) -> Sequence[str]:
    """A shell script in the folder of vm_stack, with the environment that `make up` wrote."""
    return ("bash", "-euo", "pipefail", "-c", f". {DOT}/env && cd pulumi/programs/vm_stack && {script}")


OPTIONS = "--stack dev --non-interactive"
UP = f"pulumi up --yes --suppress-outputs {OPTIONS}"
UNCHANGED = f"pulumi preview --expect-no-changes {OPTIONS}"
MORE = "limen quota explain demo memory=512MiB"
REFUSED = (
    f"if VM_MEMORY=2GiB pulumi preview {OPTIONS} >$LOG 2>&1; then exit 1; fi; cat $LOG; grep Denied: $LOG"
)
# As the README has a newcomer do it, in that order.
NEWCOMER = (
    Step("make up", make("up")),
    Step("make test, with the VMs up", make("test")),
    Step("make up again", make("up")),
    Step("it has changed nothing", in_lab(f"{UNCHANGED} && if {MORE}; then exit 1; fi")),
    Step("a smaller VM gives its memory back", in_lab(f"VM_MEMORY=512MiB {UP} && {MORE}")),
    Step("as it was", in_lab(f"{UP} && {UNCHANGED}")),
    Step("a preview is refused", in_lab(f"LOG={DOT}/ci/refused.txt; {REFUSED}")),
    Step("make down", make("down")),
)
BESIDE = (
    Step("lint and collection", ("bash", "-ec", f"{MAKE} lint && {MAKE} collection")),
    Step("site.yml on Debian 12", (PYTHON, "-m", "tests.site", "--suite", "bookworm")),
    Step("site.yml on Debian 13", (PYTHON, "-m", "tests.site", "--suite", "trixie")),
)
FAULTS = Step("faults, 5 rounds with paused VMs", (PYTHON, "-m", "tests.faults", "--rounds", "5"))
CLEAN = Step("git status is clean", ("bash", "-c", 'test -z "$(git status --porcelain | tee /dev/stderr)"'))


def proofs(seconds: float) -> Step:
    """Scenarios whose stamps are stale, as many as fit into the time."""
    argv = (
        PYTHON,
        "-m",
        "tests.proof",
        "--stale",
        f"--within={max(0.0, seconds):.0f}",
        "molecule",
        "site/vm",
    )
    return Step("scenarios that are stale", argv)


def carry_out(run: Run, budget: float) -> bool:
    """The whole run; a newcomer's steps stand on one another, what follows does not. Whether all held."""
    if not all(run.step(step) for step in NEWCOMER):
        return False
    held = [run.together(BESIDE), run.step(FAULTS)]
    held.append(run.step(proofs(budget - RESERVE - run.elapsed)))
    held.append(run.step(CLEAN))
    return all(held)


def main() -> int:
    """Exit code 0 when all held, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.ci", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"the budget (default: {MINUTES})")
    arguments = parser.parse_args()
    # Images of Python tell it to keep no bytecode: each of a thousand commands would compile itself anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    run = Run(ROOT, DOT / "ci")
    held = False
    try:
        held = carry_out(run, 60 * arguments.minutes)
    finally:
        run.stop()
        subprocess.run(make("down"), cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        (DOT / "ci-steps.txt").write_text(f"{run.table()}\n")
        print(f"\n{run.table()}", flush=True)
    if held and run.elapsed > 60 * arguments.minutes:
        print(f"ci: all held, and it took longer than {arguments.minutes:.0f} minutes", file=sys.stderr)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
