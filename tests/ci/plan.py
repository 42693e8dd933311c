"""What a run of CI consists of, in what order and beside what."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.ci.steps import Run, Step

ROOT = Path(__file__).resolve().parents[2]
DOT = ROOT / ".limen"
PYTHON = str(DOT / "venv/bin/python")
MAKE = ("make", "--no-print-directory")
# Kept for what comes after the proofs (seconds).
RESERVE = 30.0


def make(*arguments: str) -> Sequence[str]:
    """A target of the Makefile."""
    return (*MAKE, *arguments)


def in_lab(script: str) -> Sequence[str]:
    """A shell script in the folder of vm_stack, with the environment that `make up` wrote."""
    return ("bash", "-euo", "pipefail", "-c", f". {DOT}/env\ncd pulumi/programs/vm_stack\n{script}")


OPTIONS = "--stack dev --non-interactive"
UP = f"pulumi up --yes --suppress-outputs {OPTIONS}"
UNCHANGED = f"pulumi preview --expect-no-changes {OPTIONS}"
# Only 3 means that the quota check said no: what failed otherwise has refused nothing.
FULL = "code=0; limen quota explain demo memory=512MiB || code=$?; test $code = 3"
# A guest gives memory back page by page, and is charged for what it still has until a scan shows less.
# The domain's id is another after a restart.
SMALLER = f"""
before=$(virsh domid dev-limen-1)
VM_MEMORY=512MiB {UP}
timeout 180 bash -ec 'until virsh dominfo dev-limen-1 | grep "Used memory: *524288 KiB"; do sleep 0.5; done'
timeout 180 bash -ec 'until limen quota explain demo memory=512MiB; do sleep 2; done'
test "$(virsh domid dev-limen-1)" = "$before"
"""
REFUSED = f"""
code=0
said=$(VM_MEMORY=2GiB pulumi preview {OPTIONS} 2>&1) || code=$?
echo "$said"
test $code != 0
grep 'Denied: project demo may not use' <<<"$said"
"""
# As the README has a newcomer do it, in that order.
NEWCOMER = (
    Step("make up", make("up")),
    # A test that is skipped here proves nothing anywhere.
    Step("make test, with the VMs up", make("test", "ARGS=-p tests.noskips")),
    Step("nothing is to be changed", in_lab(f"{UNCHANGED}\n{FULL}")),
    Step("make up again", make("up")),
    Step("a VM gives memory back while it runs", in_lab(SMALLER)),
    Step("as it was", in_lab(f"{UP}\n{UNCHANGED}")),
    Step("a preview is refused", in_lab(REFUSED)),
    Step("make down", make("down")),
)
BESIDE = (
    (
        Step("site.yml on Debian 12", (PYTHON, "-m", "tests.site", "--suite", "bookworm")),
        Step("site.yml on Debian 13", (PYTHON, "-m", "tests.site", "--suite", "trixie")),
    ),
    (
        Step("lint", make("lint")),
        Step("collection", make("collection")),
        Step("faults, 5 rounds with paused VMs", (PYTHON, "-m", "tests.faults", "--rounds", "5")),
    ),
)
SCENARIOS = "scenarios of roles that changed"
ON_VMS = "what is proven on emulated VMs, as time allows"
STATUS = "git status is as it was"
DOWN = "make down, after all"
PLANNED = (
    *(step.name for step in NEWCOMER),
    *(step.name for lane in BESIDE for step in lane),
    *(SCENARIOS, ON_VMS, STATUS),
)


def proofs(name: str, seconds: float, *arguments: str) -> Step:
    """Proofs that are stale, those that fit into the time; what has to be left out is said, or fails."""
    argv = (PYTHON, "-m", "tests.proof", "--stale", f"--within={max(0.0, seconds):.0f}", *arguments)
    return Step(name, argv)


def status(before: str) -> Step:
    """Whether `git status` says what it said when the run began: nothing, in a fresh clone."""
    return Step(STATUS, (sys.executable, "-m", "tests.ci.status", "--as-before", before))


def carry_out(run: Run, budget: float, before: str) -> bool:
    """The whole run within `budget` seconds; whether all held.

    A newcomer's steps stand on one another, what follows does not.
    """
    if not all(run.step(step) for step in NEWCOMER):
        return False
    held = [run.together(BESIDE)]
    held.append(run.step(proofs(SCENARIOS, budget - RESERVE - run.elapsed, "--kind=container", "molecule")))
    held.append(run.step(proofs(ON_VMS, budget - RESERVE - run.elapsed, "--kind=vm")))
    held.append(run.step(status(before)))
    return all(held)
