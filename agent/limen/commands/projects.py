"""`limen project`."""

from typing import Annotated, Any

import typer

from limen.client import ApiError, Client
from limen.commands.existing import IfMissingFlag, check_alike
from limen.commands.output import JsonFlag, YesFlag, confirm, print_fields, print_json, print_table

app = typer.Typer(help="Create, list, move and delete projects; give roles in them.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The project's name.")]


@app.command()
def create(
    name: Name,
    parent: Annotated[
        str | None, typer.Option(help="The project above it; its owners set the limits.")
    ] = None,
    if_missing: IfMissingFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Create a project. It may use nothing until `limen quota set` gives it limits."""
    with Client.from_environment() as client:
        try:
            project, changed = client.create_project(name, parent), True
        except ApiError as error:
            if not if_missing or error.code != "conflict":
                raise
            project, changed = client.get_project(name), False
    if not changed:
        check_alike(f"project {name}", {"parent": parent}, project)
    if as_json:
        print_json({**project, "changed": changed})
        return
    chain = " below ".join(project["chain"])
    typer.echo(f"Created project {chain}." if changed else f"There is project {chain} already.")


@app.command("list")
def list_projects(as_json: JsonFlag = False) -> None:
    """List the projects that you have a role in."""
    with Client.from_environment() as client:
        found = client.list_projects()
    if as_json:
        print_json(found)
    else:
        rows = [(each["name"], " < ".join(each["chain"][1:])) for each in found]
        print_table(("project", "below"), rows, "There are no projects that you have a role in.")


@app.command()
def show(name: Name, as_json: JsonFlag = False) -> None:
    """Show a project; `limen quota show` shows what it may use and uses."""
    with Client.from_environment() as client:
        project: dict[str, Any] = client.get_project(name)
    if as_json:
        print_json(project)
    else:
        print_fields({**project, "chain": " < ".join(project["chain"])})


@app.command()
def move(
    name: Name,
    parent: Annotated[str | None, typer.Option(help="The new project above it.")] = None,
    top: Annotated[bool, typer.Option("--top", help="Make it the top of a tree of its own.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Hang a project under another; what it holds then counts there."""
    if (parent is None) != top:
        raise typer.BadParameter("give either --parent or --top")
    with Client.from_environment() as client:
        project = client.move_project(name, parent)
    if as_json:
        print_json(project)
    else:
        typer.echo(f"Moved: {' below '.join(project['chain'])}.")


@app.command()
def delete(name: Name, yes: YesFlag = False) -> None:
    """Delete a project that holds nothing and has none below it."""
    confirm(f"Delete project {name}?", yes)
    with Client.from_environment() as client:
        client.delete_project(name)
    typer.echo(f"Deleted project {name}.")


@app.command()
def member(
    name: Name,
    user: Annotated[str, typer.Argument(help="Whose role.")],
    role: Annotated[str, typer.Argument(help="viewer, operator, owner, or none.")],
) -> None:
    """Give a user a role in a project and those below it, or take it away."""
    if role not in ("viewer", "operator", "owner", "none"):
        raise typer.BadParameter("must be viewer, operator, owner or none", param_hint="ROLE")
    with Client.from_environment() as client:
        client.set_member(name, user, None if role == "none" else role)
    typer.echo(
        f"{user} has no role of its own in {name}." if role == "none" else f"{user} is {role} in {name}."
    )
