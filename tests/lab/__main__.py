"""Real libvirt and PostgreSQL without systemd, beside whatever runs on the machine already."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.lab import image, packages
from tests.lab.errors import LabError
from tests.lab.instance import BASE, instance
from tests.lab.lab import Lab, labs, real_host

EPILOG = "With LIMEN_LIBVIRT_URI set to a host of your own, `up` starts PostgreSQL only."
PACKAGES = "python3 -m tests.lab packages"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python3 -m tests.lab", description=__doc__, epilog=EPILOG)
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("packages", help="install the Debian packages that are missing (root)")
    guest = commands.add_parser(
        "image", help="build the guest image unless it is cached, and print its paths"
    )
    guest.add_argument("--quiet", action="store_true", help="show the build's progress only, not the paths")
    commands.add_parser("list", help="list the labs that have state on this machine")
    for name, text in (
        ("up", "start a lab, or what of it does not run"),
        ("down", "stop a lab and its guests"),
        ("status", "say what runs and where it is reached"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--name", default="dev", help="1 to 8 of a-z and 0-9 (default: dev)")
        command.add_argument("--state-dir", type=Path, help=f"where its state is kept (default: {BASE}/NAME)")
        if name == "down":
            command.add_argument("--purge", action="store_true", help="remove its data as well")
        if name == "status":
            command.add_argument("--json", action="store_true", help="print JSON")
    return top


def run(arguments: argparse.Namespace) -> None:
    """Carry out one command; raises LabError."""
    if arguments.command == "packages":
        if installed := packages.install():
            print(f"installed: {' '.join(installed)}")
        return
    if arguments.command == "image":
        built = image.build()
        if not arguments.quiet:
            print(json.dumps(asdict(built), indent=2))
        return
    if arguments.command == "list":
        print("\n".join(labs(BASE)))
        return
    lab = Lab(instance(arguments.name, arguments.state_dir))
    if arguments.command == "up":
        started = lab.up(hypervisor=real_host() is None)
        print(f"lab {lab.instance.name}: {'started ' + ', '.join(started) if started else 'was running'}")
    elif arguments.command == "down":
        lab.down(purge=arguments.purge)
        print(f"lab {lab.instance.name}: stopped{' and removed' if arguments.purge else ''}")
    elif arguments.json:
        print(json.dumps(lab.status(), indent=2))
    else:
        for key, value in lab.status().items():
            print(f"{key:>18}  {value}")


def main() -> int:
    """Exit code 0, or 1 with one line that says what is wrong."""
    try:
        run(parser().parse_args())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        if error.filename and "/" in str(error.filename):
            raise
        print(f"lab: {error.filename} is missing: run `{PACKAGES}` as root first", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
