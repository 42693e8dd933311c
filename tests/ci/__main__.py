"""Everything that must hold before a change lands, on a clean clone with two cores; `.ci/run` calls it.

Standard library only: the first step makes the environment of the others. docs/proof.md says what runs when.
"""

import argparse
import os
import signal
import sys

from tests.ci.plan import DOT, DOWN, NEWCOMER, PLANNED, ROOT, carry_out, make
from tests.ci.status import porcelain
from tests.ci.steps import Run, Step

MINUTES = 40.0
# The platform ends a run after 90: by then it has to have said what it knows.
LIMIT_MINUTES = 85


def limit(*_: object) -> None:
    """End the run: it has taken too long."""
    sys.exit(f"ci: ended after {LIMIT_MINUTES} minutes")


def clear(run: Run) -> bool:
    """End what runs and take away the VMs of `make up`, if they may still be there; whether that worked."""
    run.stop()
    outcomes = {row.name: row.outcome for row in run.rows}
    if not outcomes or outcomes.get(NEWCOMER[-1].name) == "ok":
        return True
    return run.step(Step(DOWN, make("down")))


def main() -> int:
    """Exit code 0 when all held, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.ci", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"the budget (default: {MINUTES:.0f})")
    minutes = parser.parse_args().minutes
    # Images of Python tell it to keep no bytecode: each of a thousand commands would compile itself anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGALRM, limit)
    signal.alarm(60 * LIMIT_MINUTES)
    run = Run(ROOT, DOT / "ci")
    held = False
    try:
        held = carry_out(run, 60 * minutes, porcelain())
    finally:
        signal.alarm(0)
        held &= clear(run)
        table = run.table(PLANNED)
        (DOT / "ci-steps.txt").write_text(f"{table}\n")
        print(f"\n{table}", flush=True)
        if run.elapsed > 60 * minutes:
            print(f"ci: that is more than its budget of {minutes:.0f} minutes", flush=True)
    print("ci: all held" if held else "ci: FAILED", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
