"""The command line of install.py."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from . import layout, official, pins
from .cache import built
from .errors import PluginError, ToolchainError
from .record import Record, environment, load, save
from .say import say

DESCRIPTION = """\
Install the Pulumi CLI, its Python language host, the libvirt plugin and Limen's own plugin.

An official Pulumi CLI of a suitable version on PATH is used, with the official plugin. Where there is none,
CLI and libvirt plugin are built from their Go modules, once: the binaries are kept in
${LIMEN_CACHE_DIR:-${XDG_CACHE_HOME:-~/.cache}/limen}/toolchain. Run again, it changes nothing.
"""

PROBE = """
import json, sys
from importlib.metadata import version
import grpc, pulumi.runtime
json.dump([list(sys.version_info[:2]), version("pulumi")], sys.stdout)
"""


def parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(
        prog="install.py", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prefix", type=Path, required=True, metavar="DIR", help="where to install to")
    parser.add_argument(
        "--python", type=Path, metavar="FILE",
        help="Python of the virtual environment that has limen[pulumi]; needed unless --print-env",
    )  # fmt: skip
    parser.add_argument(
        "--pulumi-home", type=Path, metavar="DIR",
        default=Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi"),
        help="Pulumi's folder, which takes the plugins (default: $PULUMI_HOME or ~/.pulumi)",
    )  # fmt: skip
    parser.add_argument("--build", action="store_true", help="build even where an official CLI is installed")
    parser.add_argument(
        "--print-env", action="store_true",
        help="install nothing; print the environment of what is installed in --prefix as NAME=VALUE lines, "
        "for double quotes in a shell (PATH ends in $PATH)",
    )  # fmt: skip
    return parser


def check_python(python: Path, cli: pins.Component) -> None:
    """Raises ToolchainError unless this interpreter can run the language host and the programs."""
    remedy = f"install limen[pulumi] into it, for instance `{python} -m pip install -e '.[pulumi]'`"
    try:
        done = subprocess.run(
            [str(python), "-P", "-c", PROBE], capture_output=True, text=True, timeout=120, check=True
        )
    except subprocess.CalledProcessError as exc:
        cause = exc.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise ToolchainError(f"{python} can't run Pulumi programs ({cause[0]}): {remedy}") from exc
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ToolchainError(
            f"{python} can't be started ({exc}): --python takes a Python of 3.11 or newer"
        ) from exc
    found, sdk = json.loads(done.stdout)
    if tuple(found) < (3, 11):
        raise ToolchainError(f"{python} is Python {found[0]}.{found[1]}; --python takes 3.11 or newer")
    if sdk != cli.version:
        raise ToolchainError(
            f"{python} has pulumi {sdk}, but {cli.version} goes with this toolchain: {remedy}"
        )


def install(prefix: Path, python: Path, pulumi_home: Path, build: bool) -> Record:
    """Do what DESCRIPTION says. Raises ToolchainError."""
    cli, plugin = pins.cli(), pins.libvirt_plugin()
    check_python(python, cli)
    target = layout.plugin_path(pulumi_home, "libvirt", plugin.version)
    found = None if build else official.find_official(cli.version, os.environ)
    if found is None:
        layout.place(built(cli, os.environ), prefix / "bin" / cli.binary)
        layout.install_language_host(prefix, python)
        layout.place(built(plugin, os.environ), target)
    else:
        say(f"using Pulumi {found.version} in {found.folder}")
        if not target.exists():
            try:
                official.install_plugin(found, pulumi_home, os.environ)
            except PluginError as exc:
                say(f"{exc}\nbuilding the plugin instead")
                layout.place(built(plugin, os.environ), target)
    layout.install_limen_plugin(pulumi_home, python, pins.limen_version())
    record = Record(
        bin=str(prefix / "bin" if found is None else found.folder),
        cli=cli.version if found is None else found.version,
        built=found is None,
        python=str(python),
        pulumi_home=str(pulumi_home),
    )
    save(prefix, record)
    return record


def main(argv: list[str] | None = None) -> int:
    """Run; 0 on success, 1 when it can't be done, 2 for bad options, 130 when interrupted."""
    options = parser()
    args = options.parse_args(argv)
    prefix = args.prefix.expanduser().absolute()
    try:
        if args.print_env:
            for name, value in environment(load(prefix)).items():
                sys.stdout.write(f"{name}={value}\n")
            return 0
        if args.python is None:
            options.error("--python is needed: the Python of the virtual environment that has limen[pulumi]")
        # Not resolved: a virtual environment's python is a link, and its place is what makes it one.
        python = args.python.expanduser().absolute()
        record = install(prefix, python, args.pulumi_home.expanduser().absolute(), args.build)
    except ToolchainError as exc:
        say(str(exc))
        return 1
    except OSError as exc:
        say(f"{exc.filename or prefix}: {exc.strerror}")
        return 1
    except KeyboardInterrupt:
        say("interrupted; run it again to go on")
        return 130
    say(f"ready: Pulumi {record.cli} in {record.bin}, plugins in {record.pulumi_home}")
    return 0
