"""`limen`, the operator's command: assembles the commands, turns errors into exit codes."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from limen.commands import (
    access,
    adopt,
    audit,
    claims,
    database,
    hosts,
    preview_report,
    preview_sandbox,
    preview_state,
    projects,
    quota,
    reconcile,
    recover,
    status,
    virtual_machines,
)
from limen.commands.output import exit_code
from limen.quota.errors import LimenError

app = typer.Typer(
    name="limen",
    help="Quota, claims and hosts of Limen. "
    "Reads LIMEN_API_URL, LIMEN_TOKEN or LIMEN_TOKEN_FILE, and LIMEN_CA_FILE.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(database.app, name="db")
app.add_typer(access.users, name="user")
app.add_typer(access.tokens, name="token")
app.add_typer(projects.app, name="project")
app.add_typer(quota.app, name="quota")
app.add_typer(hosts.app, name="host")
app.add_typer(claims.app, name="claim")
app.add_typer(virtual_machines.app, name="vm")
app.add_typer(audit.app, name="audit")
app.command("adopt")(adopt.adopt)
app.command("preview-report")(preview_report.preview_report)
app.command("preview-sandbox")(preview_sandbox.preview_sandbox)
app.command("preview-state")(preview_state.preview_state)
app.command("reconcile")(reconcile.reconcile)
app.command("recover")(recover.recover)
app.command("health")(status.health)
app.command("whoami")(status.whoami)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("limen"))
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point: exit codes 0, 1 (failed), 2 (bad input), 3 (denied), one message on standard error.

    `limen preview-report` has one more, 4: a policy is violated.
    """
    try:
        app()
    except LimenError as error:
        typer.echo(f"limen: {error}", err=True)
        sys.exit(exit_code(error))
