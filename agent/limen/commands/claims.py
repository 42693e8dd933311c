"""`limen claim`."""

from typing import Annotated, Any

import typer

from limen.client import Client
from limen.commands.output import (
    JsonFlag,
    YesFlag,
    amounts_text,
    confirm,
    identity,
    print_fields,
    print_json,
    print_table,
    say,
)

app = typer.Typer(help="List, show, release and take over claims.", no_args_is_help=True)
ClaimId = Annotated[str, typer.Argument(help="The claim's UUID, see `limen claim list`.")]


@app.command("list")
def list_claims(
    project: Annotated[str | None, typer.Option(help="Of this project only.")] = None,
    host: Annotated[str | None, typer.Option(help="On this host only (name or UUID).")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List claims and what they are charged."""
    with Client.from_environment() as client:
        found = client.list_claims(project, host)
    kept = [claim for claim in found if everything or claim["items"]]
    if as_json:
        print_json(kept)
        return
    rows = [
        (claim["id"], claim["project"], _owner(claim), claim["state"], amounts_text(claim["charge"]))
        for claim in kept
    ]
    print_table(("claim", "project", "held by", "state", "charge"), rows, "There are no claims.")


@app.command()
def show(claim: ClaimId, as_json: JsonFlag = False) -> None:
    """Show a claim and its items."""
    with Client.from_environment() as client:
        found = client.get_claim(claim)
    _print_claim(found, as_json)


@app.command()
def release(claim: ClaimId, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Release every item. What a host still holds stays charged until it is gone there."""
    with Client.from_environment() as client:
        found = client.get_claim(claim)
        confirm(f"Release the claim of {_owner(found)} in {found['project']}?", yes)
        released = client.release_claim(claim, found["generation"])
    _print_claim(released or client.get_claim(claim), as_json)


@app.command()
def takeover(
    claim: ClaimId,
    backend: Annotated[str, typer.Option(help="The Pulumi backend's URL of the stack that takes it.")],
    project: Annotated[str, typer.Option(help="That stack's Pulumi project.")],
    stack: Annotated[str, typer.Option(help="That stack's name.")],
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Give a claim to another stack; it is written down in the audit log."""
    with Client.from_environment() as client:
        found = client.get_claim(claim)
        mark = found["fingerprint"]
        confirm(f"Take the claim from stack {mark['stack']} at {mark['backend']}?", yes)
        changed = client.change_claim(
            claim,
            generation=found["generation"],
            project=found["project"],
            owner=found["owner"],
            fingerprint={"backend": backend, "project": project, "stack": stack},
            host=found["host"],
            items=[],
            takeover=True,
        )
    say(f"The claim belongs to stack {stack} now.")
    _print_claim(changed, as_json)


def _owner(claim: dict[str, Any]) -> str:
    return f"{claim['owner']['kind']} {claim['owner']['name']}"


def _print_claim(claim: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(claim)
        return
    mark = claim["fingerprint"]
    print_fields(
        {
            "claim": claim["id"],
            "project": claim["project"],
            "held by": _owner(claim),
            "stack": f"{mark['project']}/{mark['stack']} at {mark['backend']}",
            "host": claim["host"],
            "state": f"{claim['state']}, generation {claim['generation']}",
            "charge": amounts_text(claim["charge"]),
        }
    )
    rows = [
        (
            item["key"],
            item["name"],
            item["state"],
            amounts_text(item["claimed"]),
            amounts_text(item["observed"]),
            identity(item),
        )
        for item in claim["items"]
    ]
    print_table(("item", "name", "state", "claimed", "seen", "identity"), rows, "It holds nothing.")
