"""`limen db`: migrations, by whoever holds the database's URL."""

import typer

from limen.api.settings import database_url
from limen.commands.output import FAILED, JsonFlag, print_json, progress

app = typer.Typer(
    help="Migrate the database (LIMEN_DATABASE_URL or LIMEN_DATABASE_URL_FILE).", no_args_is_help=True
)


@app.command()
def migrate(as_json: JsonFlag = False) -> None:
    """Bring the database to this version; safe to repeat and to interrupt."""
    from limen.ledger.migrate import migrate as bring_up_to_date
    from limen.ledger.version import status as status_of

    url = database_url()
    before = status_of(url)
    with progress("Migrating the database"):
        after = bring_up_to_date(url)
    if as_json:
        print_json({"before": before.current, "current": after.current})
    elif before.current == after.current:
        typer.echo(f"The database is at {after.current} already.")
    else:
        typer.echo(f"Migrated the database from {before.current or 'nothing'} to {after.current}.")


@app.command()
def status(as_json: JsonFlag = False) -> None:
    """Show where the database is; exit code 1 if it is behind."""
    from limen.ledger.version import status as status_of

    found = status_of(database_url())
    if as_json:
        print_json({"current": found.current, "head": found.head, "up_to_date": found.up_to_date})
    elif found.up_to_date:
        typer.echo(f"The database is at {found.head}.")
    else:
        typer.echo(
            f"The database is at {found.current or 'nothing'}, not {found.head}: run `limen db migrate`."
        )
    if not found.up_to_date:
        raise typer.Exit(FAILED)
