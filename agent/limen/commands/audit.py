"""`limen audit`."""

import json
from typing import Annotated

import typer

from limen.client import Client
from limen.commands import direct
from limen.commands.arguments import parse_duration
from limen.commands.output import JsonFlag, YesFlag, confirm, print_json, print_table

app = typer.Typer(help="Show who changed what and what was denied, newest first.")


@app.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    project: Annotated[str | None, typer.Option(help="Of this project and those below it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many entries.")] = 50,
    before: Annotated[int | None, typer.Option(min=1, help="Older than the entry of this id.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show who changed what and what was denied, newest first."""
    if context.invoked_subcommand is not None:
        return
    with Client.from_environment() as client:
        entries = client.list_audit(project, limit, before)
    if as_json:
        print_json(entries)
        return
    rows = [
        (
            entry["at"],
            entry["actor"],
            entry["action"],
            "allowed" if entry["allowed"] else "denied",
            entry["project"],
            entry["claim"],
            _short(entry["detail"]),
        )
        for entry in entries
    ]
    print_table(("at", "by", "action", "", "project", "claim", "detail"), rows, "The log is empty.")


@app.command()
def prune(
    older_than: Annotated[str, typer.Option(help="How old denials must be: 30d at least.")],
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete old denials. That is audited, and what was done is kept for good.

    With LIMEN_DATABASE_URL (or _FILE) it works on the database itself, without the API.
    """
    age = parse_duration(older_than)
    confirm(f"Delete every denial that is older than {older_than}?", yes)
    if direct.configured():
        with direct.open_ledger() as ledger:
            removed = ledger.audit.prune_denials(age, direct.ACTOR)
    else:
        with Client.from_environment() as client:
            removed = int(client.prune_audit(int(age.total_seconds()))["removed"])
    if as_json:
        print_json({"removed": removed})
    else:
        typer.echo(f"Deleted {removed} {'denial' if removed == 1 else 'denials'}.")


def _short(detail: dict[str, object]) -> str:
    text = json.dumps(detail, ensure_ascii=False) if detail else ""
    return text if len(text) <= 100 else f"{text[:97]}..."
