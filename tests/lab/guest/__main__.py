"""VMs and containers for roles and playbooks: back to their first boot in seconds, several side by side."""

import argparse
import json
import os
import re
import sys

from limen.quota.errors import LimenError
from limen.quota.units import parse_amount
from tests.lab import image
from tests.lab.errors import LabError
from tests.lab.guest.container import Container
from tests.lab.guest.documents import Size
from tests.lab.guest.ground import Ground
from tests.lab.guest.machine import Machine
from tests.lab.guest.vm import Vm
from tests.lab.instance import instance
from tests.lab.lab import Lab

KINDS: dict[str, type[Machine]] = {"vm": Vm, "container": Container}
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.lab.guest", description=__doc__)
    top.add_argument("--lab", default="roles", help="the lab that they run in (default: roles)")
    commands = top.add_subparsers(dest="command", required=True)
    for name, text in (
        ("up", "boot a guest, or let it go on as it is"),
        ("fresh", "a guest as it was just after its first boot"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("name")
        command.add_argument(
            "--kind",
            choices=KINDS,
            default=os.environ.get("LIMEN_GUEST_KIND", "container"),
            help="a VM has a kernel of its own, a container boots in two seconds "
            "(default: LIMEN_GUEST_KIND, or container)",
        )
        command.add_argument(
            "--suite",
            choices=image.SUITES,
            default=os.environ.get("LIMEN_GUEST_SUITE", image.SUITES[0]),
            help=f"the Debian in it (default: LIMEN_GUEST_SUITE, or {image.SUITES[0]})",
        )
        command.add_argument("--vcpus", type=int, default=1)
        command.add_argument("--memory", default="1GiB")
        command.add_argument("--disk", default="8GiB")
        command.add_argument("--json", action="store_true", help="print connection data as JSON")
    down = commands.add_parser(
        "down", help="cut a guest's power; without a name, stop the lab with all of them"
    )
    down.add_argument("name", nargs="?")
    down.add_argument("--purge", action="store_true", help="remove its disk and its snapshot as well")
    commands.add_parser("list", help="list the guests and whether they run")
    return top


def bring(guest: Machine, arguments: argparse.Namespace) -> None:
    """`up` and `fresh`; raises LabError, or LimenError for an amount that is none."""
    size = Size(
        arguments.vcpus, parse_amount(arguments.memory, "memory"), parse_amount(arguments.disk, "disk")
    )
    facts = guest.up(size) if arguments.command == "up" else guest.fresh(size)
    if arguments.json:
        print(json.dumps(facts, indent=2))
    else:
        print(f"ssh -F {facts['ssh_config']} {facts['name']}")


def known(ground: Ground) -> dict[str, Machine]:
    """Every guest that was made, by name."""
    vms = ground.vms() if ground.running else []
    found: dict[str, Machine] = {name: Vm(ground, name, "") for name in vms}
    for name, record in ground.containers().items():
        found[name] = Container(ground, name, record.suite)
    return dict(sorted(found.items()))


def run(arguments: argparse.Namespace) -> None:
    """Carry out one command; raises LabError or LimenError."""
    ground = Ground(instance(arguments.lab))
    lab = Lab(ground.lab)
    if arguments.command == "list":
        for name, guest in known(ground).items():
            kind = next(kind for kind, made in KINDS.items() if isinstance(guest, made))
            print(f"{name:<20} {kind:<10} {guest.address!s:<12} {'runs' if guest.running else 'off'}")
        return
    lab.require_root()
    if arguments.name is None:
        lab.down(purge=arguments.purge)
    elif not NAME.fullmatch(arguments.name):
        raise LabError(f"a guest's name is a host name of a-z, 0-9 and -, not {arguments.name!r}")
    elif arguments.command == "down":
        if arguments.name in (guests := known(ground)):
            guests[arguments.name].down(arguments.purge)
    else:
        bring(KINDS[arguments.kind](ground, arguments.name, arguments.suite), arguments)


def main() -> int:
    """Exit code 0, or 1 with one line that says what is wrong."""
    try:
        run(parser().parse_args())
    except (LabError, LimenError) as error:
        print(f"guest: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
