"""What Limen costs: the same preview with and without it, interleaved, and the admission by itself.

Exit code 3 if more than one admission in twenty takes over 100 ms.
"""

import argparse
import statistics
import sys
import time
import uuid
from pathlib import Path

from tests.bench.admissions import MISSED
from tests.lab.demo.shell import StepFailed
from tests.lab.errors import LabError
from tests.world import guests
from tests.world.stack import Stack
from tests.world.world import World, world

PLAIN = Path(__file__).with_name("plain_stack")
VMS = 2
LIMIT_SECONDS = 0.1
LIMITS = dict.fromkeys(("vms", "vcpus", "memory", "disk", "networks"), "unlimited")


def say(line: str) -> None:
    """Print one line at once."""
    print(line, flush=True)


def previews(made: World, runs: int) -> dict[str, list[float]]:
    """Seconds of each preview of an empty stack, with Limen and without; a first one of each warms up."""
    stacks: dict[str, Stack] = {"without": made.stack("plain", PLAIN), "with": made.stack("limen")}
    document = made.document({f"web-{number}": guests.vm() for number in range(1, VMS + 1)})
    for stack in stacks.values():
        stack.configure(document)
    seconds: dict[str, list[float]] = {name: [] for name in stacks}
    for run in range(runs + 1):
        for name, stack in stacks.items():
            outcome = stack.preview().require()
            if run:
                seconds[name].append(outcome.seconds)
                say(f"  preview {run} of {runs}, {name} Limen: {outcome.seconds:.2f} s")
    return seconds


def admissions(made: World, count: int) -> list[float]:
    """Seconds of each POST /api/claims of one VM with its disk, as the operator; each is released again."""
    amounts = {"vms": "1", "vcpus": "1", "memory": "64MiB"}
    seconds = []
    with made.operator() as client:
        for number in range(count + 1):
            claim = str(uuid.uuid4())
            items = [
                {"key": "vm:web", "kind": "vm", "name": f"bench-{number}", "amounts": amounts},
                {
                    "key": "disk:web",
                    "kind": "disk",
                    "name": f"bench-{number}",
                    "volume": f"default/bench-{number}",
                    "amounts": {"disk": "8MiB"},
                },
            ]
            started = time.perf_counter()
            made_claim = client.create_claim(
                claim,
                project="demo",
                owner={"kind": "stack", "name": "bench/bench"},
                fingerprint={"backend": "none", "project": "bench", "stack": "bench"},
                host=made.host,
                items=items,
            )
            if number:  # the first one opens connections
                seconds.append(time.perf_counter() - started)
            client.release_claim(claim, made_claim["generation"])
    return seconds


def main() -> int:
    """Print the figures; exit code 0, MISSED if the admission is too slow, 1 if something failed."""
    arguments = argparse.ArgumentParser(prog="python3 -m tests.bench.preview", description=__doc__)
    arguments.add_argument("--runs", type=int, default=5, help="previews of each kind (default: 5)")
    arguments.add_argument("--admissions", type=int, default=100, help="admissions (default: 100)")
    chosen = arguments.parse_args()
    try:
        with world(limits=LIMITS) as made:
            say(f"preview of a new stack of {VMS} VMs, with and without Limen in turn")
            seconds = previews(made, chosen.runs)
            say("admissions over HTTP")
            admitted = sorted(admissions(made, chosen.admissions))
    except (LabError, StepFailed, AssertionError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    say(f"preview: {medians['with']:.2f} s with Limen, {medians['without']:.2f} s without (medians)")
    say(f"difference: {medians['with'] - medians['without']:.2f} s")
    say(f"ratio: {medians['with'] / medians['without']:.2f}")
    high = admitted[int(len(admitted) * 0.95)]
    say(
        f"admission: median {statistics.median(admitted) * 1000:.1f} ms, 95 % within {high * 1000:.1f} ms, "
        f"slowest {admitted[-1] * 1000:.1f} ms of {len(admitted)}"
    )
    if high > LIMIT_SECONDS:
        print(f"bench: an admission must take {LIMIT_SECONDS * 1000:.0f} ms at most", file=sys.stderr)
        return MISSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
