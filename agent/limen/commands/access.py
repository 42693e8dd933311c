"""`limen user` and `limen token`."""

import os
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import mkstemp
from typing import Annotated, Any
from uuid import UUID

import typer

from limen.api.scopes import HOST_SCOPE, SCOPES
from limen.client import ApiError, Client
from limen.commands import direct
from limen.commands.arguments import parse_duration, split_commas
from limen.commands.existing import IfMissingFlag, check_alike
from limen.commands.output import BadInput, JsonFlag, print_json, print_table, say

_DIRECT = "With LIMEN_DATABASE_URL (or _FILE) it works on the database itself, without the API."
users = typer.Typer(help=f"Create and list users. {_DIRECT}", no_args_is_help=True)
tokens = typer.Typer(help=f"Issue, list and revoke API tokens. {_DIRECT}", no_args_is_help=True)


@users.command("create")
def create_user(
    name: Annotated[str, typer.Argument(help="The user's name.")],
    administrator: Annotated[bool, typer.Option("--administrator", help="May do everything.")] = False,
    if_missing: IfMissingFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Create a user; roles in projects are given by `limen project member`."""
    there = _create_user(name, administrator, if_missing)
    if there is not None:
        check_alike(f"user {name}", {"administrator": administrator}, there)
    if as_json:
        print_json({"name": name, "administrator": administrator, "changed": there is None})
    else:
        what = f"{'administrator' if administrator else 'user'} {name}"
        typer.echo(f"Created {what}." if there is None else f"There is {what} already.")


@users.command("list")
def list_users(as_json: JsonFlag = False) -> None:
    """List users and the roles given to them directly."""
    if direct.configured():
        from limen.api.schemas.access import user_json

        with direct.open_ledger() as ledger:
            found = [user_json(user) for user in ledger.users.list()]
    else:
        with Client.from_environment() as client:
            found = client.list_users()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            user["name"],
            "yes" if user["administrator"] else "",
            " ".join(f"{project}:{role}" for project, role in user["roles"].items()),
        )
        for user in found
    ]
    print_table(("user", "administrator", "roles"), rows, "There are no users.")


@tokens.command("create")
def create_token(
    user: Annotated[str, typer.Argument(help="Whom the token speaks for.")],
    scope: Annotated[
        list[str] | None, typer.Option(help=f"Repeat, or separate by commas: {', '.join(SCOPES)}.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="For this host's agent: its scope is host:report, and it does nothing else."),
    ] = None,
    project: Annotated[
        list[str] | None, typer.Option(help="Restrict it to this project and those below it; repeat.")
    ] = None,
    ttl: Annotated[str, typer.Option(help="How long it is good for: 30m, 12h, 7d.")] = "12h",
    output: Annotated[
        Path | None, typer.Option(help="Write it to this file (mode 0600) instead of showing it.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Issue a token. It is shown once, or goes to the file that --output names."""
    scopes, projects, lifetime = _checked_scopes(scope or [], host), project or None, parse_duration(ttl)
    if output is not None and not output.parent.is_dir():
        raise BadInput(f"The folder {output.parent} is not there: make it, or choose another --output.")
    token_id, secret = _issue(user, scopes, projects, lifetime, host)
    if output is not None:
        _write_secret(output, secret)
    if as_json:
        print_json({"id": token_id, **({"output": str(output)} if output else {"token": secret})})
    elif output is not None:
        typer.echo(f"Wrote token {token_id} to {output}.")
    else:
        say(f"Token {token_id}, shown this once:")
        typer.echo(secret)


@tokens.command("list")
def list_tokens(as_json: JsonFlag = False) -> None:
    """List tokens without their secrets: all for administrators, else one's own."""
    if direct.configured():
        from limen.api.schemas.access import token_json

        with direct.open_ledger() as ledger:
            found = [token_json(token) for token in ledger.tokens.list()]
    else:
        with Client.from_environment() as client:
            found = client.list_tokens()
    if as_json:
        print_json(found)
        return
    rows = [
        (
            token["id"],
            token["user"],
            " ".join(token["scopes"]),
            f"host {token['host']}" if token["host"] else _reach(token["projects"]),
            "revoked" if token["revoked"] else token["expires"],
        )
        for token in found
    ]
    print_table(("id", "user", "scopes", "projects", "expires"), rows, "There are no tokens.")


@tokens.command("revoke")
def revoke_token(token_id: Annotated[UUID, typer.Argument(help="Its id, see `limen token list`.")]) -> None:
    """Refuse a token from now on."""
    if direct.configured():
        with direct.open_ledger() as ledger:
            ledger.tokens.revoke(token_id, actor=direct.ACTOR)
    else:
        with Client.from_environment() as client:
            client.revoke_token(str(token_id))
    typer.echo(f"Revoked token {token_id}.")


def _reach(projects: list[str] | None) -> str:
    return "all" if projects is None else " ".join(projects)


def _create_user(name: str, administrator: bool, if_missing: bool) -> dict[str, Any] | None:
    """None once the user is created; with `if_missing` the one that is there already."""
    if direct.configured():
        from limen.api.schemas.access import user_json
        from limen.ledger.errors import Conflict

        with direct.open_ledger() as ledger:
            try:
                ledger.users.create(name, administrator, actor=direct.ACTOR)
            except Conflict:
                if not if_missing:
                    raise
                return user_json(ledger.users.get(name))
        return None
    with Client.from_environment() as client:
        try:
            client.create_user(name, administrator)
        except ApiError as error:
            there = client.list_users() if if_missing and error.code == "conflict" else []
            found = next((user for user in there if user["name"] == name), None)
            if found is None:
                raise
            return found
    return None


def _issue(
    user: str, scopes: list[str], projects: list[str] | None, lifetime: timedelta, host: str | None
) -> tuple[str, str]:
    if direct.configured():
        from limen.api.context import find_host

        with direct.open_ledger() as ledger:
            host_id = None if host is None else find_host(ledger, host).id
            token, secret = ledger.tokens.issue(user, scopes, projects, lifetime, direct.ACTOR, host_id)
            return str(token.id), secret
    with Client.from_environment() as client:
        answer: dict[str, Any] = client.create_token(
            user, scopes, int(lifetime.total_seconds()), projects, host
        )
        return str(answer["id"]), str(answer["token"])


def _checked_scopes(written: list[str], host: str | None) -> list[str]:
    scopes = split_commas(written)
    if host is not None:
        if scopes and scopes != [HOST_SCOPE]:
            raise BadInput(f"A host's token has the scope {HOST_SCOPE} alone: leave --scope out.")
        return [HOST_SCOPE]
    if not scopes:
        raise BadInput("Say what the token is for: --scope, or --host for a host's agent.")
    for scope in scopes:
        if scope not in SCOPES:
            raise BadInput(f"{scope!a:.60} is not a scope: use {', '.join(SCOPES)}.")
    return scopes


def _write_secret(file: Path, secret: str) -> None:
    """Whole or not at all, and never readable by others, not even for a moment."""
    descriptor, draft = mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(secret + "\n")
        Path(draft).replace(file)
    except OSError as error:
        with suppress(OSError):
            Path(draft).unlink()
        raise BadInput(f"{file} can't be written: {error.strerror}.") from error
