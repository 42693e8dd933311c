"""`limen audit`."""

import json
from typing import Annotated

import typer

from limen.client import Client
from limen.commands.output import JsonFlag, print_json, print_table


def audit(
    project: Annotated[str | None, typer.Option(help="Of this project and those below it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many entries.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Show who changed what and what was denied, newest first."""
    with Client.from_environment() as client:
        entries = client.list_audit(project, limit)
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


def _short(detail: dict[str, object]) -> str:
    text = json.dumps(detail, ensure_ascii=False) if detail else ""
    return text if len(text) <= 100 else f"{text[:97]}..."
