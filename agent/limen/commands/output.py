"""How commands speak: tables for people, JSON for programs, progress and errors on standard error."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from limen.client import ApiError, QuotaDenied
from limen.host_uri import InvalidUri
from limen.preview.errors import NotAPreview
from limen.quota.errors import InvalidAmount, InvalidResource, InvalidSpec, LimenError
from limen.quota.units import display_amount

FAILED, BAD_INPUT, DENIED = 1, 2, 3
# A pipe has no width: what is cut off there is lost.
_PIPE_WIDTH = 240

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class BadInput(LimenError):
    """The command line says something that can't be meant."""


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, soft_wrap=False)


def print_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """A table, or the sentence `empty` where there is nothing to show."""
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text("-" if cell is None or cell == "" else str(cell)) for cell in row))
    if table.row_count:
        console().print(table)
    else:
        typer.echo(empty)


def print_fields(fields: Mapping[str, object]) -> None:
    """One thing, a line a field."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        typer.echo(f"{name:<{width}}  {'-' if value is None or value == '' else value}")


def identity(item: Mapping[str, Any]) -> str:
    """What a host knows an item of a claim by: pool and volume, domain and snapshot, or libvirt's UUID."""
    return str(item["volume"] or item["snapshot"] or item["uuid"])


def say(sentence: str) -> None:
    """What was done: on standard error, so that `--json` stays JSON."""
    typer.echo(sentence, err=True)


@contextmanager
def progress(sentence: str) -> Iterator[None]:
    """Show that something takes its time; nothing where standard error is no terminal."""
    with Console(stderr=True).status(sentence):
        yield


def confirm(question: str, yes: bool) -> None:
    """Ask before what can't be undone; raises BadInput where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("This needs a confirmation: run it in a terminal, or give --yes.")
    typer.confirm(question, abort=True, err=True)


def amounts_text(amounts: Mapping[str, str]) -> str:
    """`vms=1 memory=512MiB` out of the strings of the API."""
    return " ".join(f"{resource}={shown(amount, resource)}" for resource, amount in amounts.items())


def shown(amount: str | None, resource: str) -> str:
    """An amount of the API for people; words such as `unlimited` stay."""
    if amount is None:
        return "none set"
    return display_amount(int(amount), resource) if amount.isdigit() else amount


def exit_code(error: LimenError) -> int:
    """3 for a denial, 2 for bad input, 1 for everything else."""
    if isinstance(error, QuotaDenied):
        return DENIED
    if isinstance(error, ApiError):
        return BAD_INPUT if error.code == "invalid" else FAILED
    if isinstance(error, BadInput | NotAPreview | InvalidAmount | InvalidResource | InvalidSpec | InvalidUri):
        return BAD_INPUT
    return FAILED
