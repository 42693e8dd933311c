"""Kill parts of Limen and Pulumi at random moments, recover, and see that nothing is lost or left over."""

import argparse
import random
import signal
import sys
import time

from tests.faults import plans
from tests.faults.rounds import Course, RoundFailed
from tests.lab.demo.shell import StepFailed
from tests.lab.errors import LabError
from tests.world.world import LIMITS, world

STARTED = time.monotonic()
# How long a run of Pulumi may take before it counts as hung: guests boot on a busy machine.
SECONDS = 600.0


def say(line: str) -> None:
    """Print one line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:4.0f} s] {line}", flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python3 -m tests.faults", description=__doc__)
    made.add_argument("--rounds", type=int, default=5, help="how many times to strike (default: 5)")
    made.add_argument("--booted", action="store_true", help="with VMs that boot; else they halt at once")
    made.add_argument("--seed", type=int, help="repeat the choices of a run that printed this seed")
    return made


def run(rounds: int, booted: bool, seed: int) -> None:
    """Play the rounds; raises RoundFailed, LabError or StepFailed."""
    chance = random.Random(seed)
    say("starting a lab, PostgreSQL and limen-api of the test's own")
    with world(limits=plans.BOOTED_LIMITS if booted else LIMITS) as made:
        write = plans.booted if booted else plans.idle
        stack = made.stack("faults")
        stack.seconds = SECONDS
        course = Course(made, stack, write, most=2 if booted else 3)
        course.begin()
        say(f"undisturbed: {course.current} in {course.usual[True].seconds:.0f} s")
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            course.play(chance, say)


def main() -> int:
    """Exit code 0 if every round converged, 1 with the story of the one that did not."""
    arguments = parser().parse_args()
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    say(f"seed {seed}")
    # So that the lab is taken down as well when CI gives up on us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        run(arguments.rounds, arguments.booted, seed)
    except (RoundFailed, LabError, StepFailed, AssertionError) as error:
        print(f"faults: {error}\nfaults: FAILED; repeat with --seed {seed}", file=sys.stderr, flush=True)
        return 1
    say(f"{arguments.rounds} rounds: no orphan, no leak (seed {seed})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
