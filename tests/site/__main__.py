"""Prove playbooks/site.yml on two bare machines of the lab: checked, killed, to its end, again, looked at."""

import argparse
import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import image
from tests.site import inventory

BIN = Path(sys.executable).parent
PLAYBOOK = "playbooks/site.yml"
LAB = "site"
# On one core of emulation a machine gets the room that its roles need; containers share the machine's.
SIZE = ("--memory", "1GiB", "--vcpus", "1", "--disk", "10GiB")
CHANGED = re.compile(r"^(\S+) .*\bchanged=([1-9]\d*)\b", re.MULTILINE)


class StepFailed(Exception):
    """A step of the proof did not hold; the message says which and why."""


def say(line: str) -> None:
    """Print one line of this command's own among Ansible's."""
    print(f"site: {line}", flush=True)


def machine(kind: str, suite: str, number: int) -> dict[str, str]:
    """One bare machine; raises StepFailed."""
    argv = [sys.executable, "-m", "tests.lab.guest", "--lab", LAB, "fresh", f"{suite}-{kind[0]}{number}"]
    argv += ["--kind", kind, "--suite", suite, *SIZE, "--json"]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise StepFailed(f"there is no bare {kind}: see above")
    found: dict[str, str] = json.loads(done.stdout)
    return found


def machines(kind: str, suite: str) -> list[dict[str, str]]:
    """Two bare machines."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda number: machine(kind, suite, number), (1, 2)))


class Site:
    """site.yml on two machines, with the environment that its commands run in."""

    def __init__(self, folder: Path, found: list[dict[str, str]], variables: dict[str, object]) -> None:
        self.inventory = inventory.write(folder, found, variables)
        # Images of Python tell it to keep no bytecode: Ansible would compile itself anew at each start.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self.env = {
            **kept,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "LIMEN_INVENTORY": str(self.inventory),
            "LIMEN_SSH_CONFIG": found[0]["ssh_config"],
        }

    def run(self, *argv: str) -> str:
        """Run a command, with its output shown and returned; raises StepFailed."""
        lines: list[str] = []
        with subprocess.Popen(
            argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode != 0:
            raise StepFailed(f"{argv[0]} ended with exit code {process.returncode}")
        return "".join(lines)

    def play(self, *options: str) -> str:
        """Run the playbook; its output. Raises StepFailed."""
        return self.run("ansible-playbook", "-i", str(self.inventory), *options, PLAYBOOK)

    def again(self) -> None:
        """Once more: raises StepFailed where it changes anything."""
        if changed := CHANGED.findall(self.play("--diff")):
            raise StepFailed(f"a second run changed something: {dict(changed)}")

    def kill(self, seed: int) -> None:
        """Run it and kill it at a random task; raises StepFailed where it failed by itself."""
        options = ["-i", str(self.inventory)]
        self.run(sys.executable, "-m", "tests.faults.provision", "--seed", str(seed), "--", *options)

    def verify(self) -> None:
        """Look at what it made, from inside and outside; raises StepFailed."""
        self.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/e2e")


def prove(site: Site, seed: int, took: dict[str, float]) -> None:
    """Every step, with its time in `took`; raises StepFailed."""
    steps: dict[str, Callable[[], object]] = {
        "check mode, bare": lambda: site.play("--check", "--diff"),
        "killed at a random task": lambda: site.kill(seed),
        "to its end": site.play,
        "again: nothing changes": site.again,
        "what it made": site.verify,
    }
    for name, step in steps.items():
        started = time.monotonic()
        say(name)
        try:
            step()
        finally:
            took[name] = time.monotonic() - started


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m tests.site", description=__doc__)
    made.add_argument("--kind", choices=("container", "vm"), default="container", help="default: container")
    made.add_argument("--suite", choices=image.SUITES, default=image.SUITES[0], help="the Debian in them")
    made.add_argument("--seed", type=int, help="kill it where a run that printed this seed did")
    made.add_argument("--keep", action="store_true", help="leave the machines as they are at the end")
    return made


def down(kind: str, suite: str) -> None:
    """Take the machines away."""
    for number in (1, 2):
        argv = [sys.executable, "-m", "tests.lab.guest", "--lab", LAB, "down", f"{suite}-{kind[0]}{number}"]
        subprocess.run(argv, stdin=subprocess.DEVNULL, check=False)


def main() -> int:
    """Exit code 0 when every step held, 1 with one line that says which did not."""
    arguments = parser().parse_args()
    kind, suite = arguments.kind, arguments.suite
    seed = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    took: dict[str, float] = {}
    started = time.monotonic()
    failed = None
    try:
        found = machines(kind, suite)
        took["two bare machines"] = time.monotonic() - started
        variables: dict[str, object] = {"libvirt_host_container": True} if kind == "container" else {}
        folder = inventory.ROOT / ".limen/site" / f"{suite}-{kind}"
        prove(Site(folder, found, variables), seed, took)
    except StepFailed as error:
        failed = error
    finally:
        if not arguments.keep:
            down(kind, suite)
    say(f"{suite}, {kind}s, seed {seed}:")
    for name, seconds in took.items():
        say(f"{seconds:6.0f} s  {name}")
    say(f"{time.monotonic() - started:6.0f} s  in all")
    if failed:
        print(f"site: {failed}; repeat with --seed {seed}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
