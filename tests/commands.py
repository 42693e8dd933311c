"""The commands of `limen`, built once: Typer builds them anew at each call, in a tenth of a second."""

from typer.main import get_command

from limen import cli

COMMANDS = get_command(cli.app)
