"""Kill playbooks/site.yml at random tasks: the run after that has to converge (`make provision` is it)."""

import argparse
import contextlib
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

PLAYBOOK = "playbooks/site.yml"
LISTED = re.compile(r"^ {6}\S.*TAGS: \[", re.MULTILINE)
BEGINS = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(.*)\]")
# How long a task is let run before it is killed in its midst.
MOST_SECONDS = 4.0


class ProvisionFailed(Exception):
    """The playbook failed by itself before it could be killed."""


def say(line: str) -> None:
    """Print one line of this test's own among the playbook's."""
    print(f"faults: {line}", flush=True)


def known_tasks(options: Sequence[str]) -> int:
    """How many tasks a run has at least; those of included files come on top."""
    listed = subprocess.run(
        ["ansible-playbook", "--list-tasks", *options, PLAYBOOK], capture_output=True, text=True, check=True
    )
    return len(LISTED.findall(listed.stdout))


def kill_all(run: subprocess.Popen[str]) -> None:
    """SIGKILL to the run and to what it started; its workers are sessions of their own."""
    top = psutil.Process(run.pid)
    # Stopped first, so that it starts nothing while its children are looked up.
    top.send_signal(signal.SIGSTOP)
    for victim in [*top.children(recursive=True), top]:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    run.wait()


def strike(options: Sequence[str], number: int, seconds: float) -> None:
    """Run the playbook and kill it `seconds` after its task `number` began."""
    run = subprocess.Popen(
        ["ansible-playbook", *options, PLAYBOOK],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout is not None
    begun = 0
    for line in run.stdout:
        print(line, end="", flush=True)
        task = BEGINS.match(line)
        begun += task is not None
        if task is not None and begun == number:
            time.sleep(seconds)  # not a wait for something: the moment in the task's midst
            kill_all(run)
            say(f"killed {seconds:.1f} s into task {number}: {task[1]}")
            return
    if run.wait() != 0:
        raise ProvisionFailed(f"{PLAYBOOK} failed before its task {number}")
    say(f"it was over before task {number}")


def main() -> int:
    """Exit code 0 if the run was killed where it should be, 1 if it failed by itself."""
    made = argparse.ArgumentParser(prog="python3 -m tests.faults.provision", description=__doc__)
    made.add_argument("--times", type=int, default=1, help="how many runs to kill (default: 1)")
    made.add_argument("--seed", type=int, help="repeat the choices of a run that printed this seed")
    made.add_argument("options", nargs="*", help="options for ansible-playbook, after --")
    chosen = made.parse_args()
    seed = random.SystemRandom().randrange(2**32) if chosen.seed is None else chosen.seed
    say(f"seed {seed}")
    chance = random.Random(seed)
    try:
        tasks = known_tasks(chosen.options)
        for _time in range(chosen.times):
            strike(chosen.options, chance.randint(1, tasks), chance.uniform(0.0, MOST_SECONDS))
    except (ProvisionFailed, subprocess.CalledProcessError) as error:
        print(f"faults: {error}; repeat with --seed {seed}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
