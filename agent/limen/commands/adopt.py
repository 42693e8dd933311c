"""`limen adopt`: charge an existing domain to a project."""

from typing import Annotated

import typer

from limen.client import ApiError, Client
from limen.commands.output import JsonFlag, amounts_text, print_json, progress, say


def adopt(
    domain: Annotated[str, typer.Argument(help="The domain's name or UUID, as libvirt knows it.")],
    project: Annotated[str, typer.Option(help="Who is charged for it.")],
    host: Annotated[
        str | None, typer.Option(help="The host that it is on; needed where two have one of that name.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether it fits.")] = False,
    scan: Annotated[bool, typer.Option(help="Scan the host first.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Charge an existing domain, with its disks, to a project as it is; nothing on the host is touched.

    Decided like any other claim (exit code 3 if it does not fit). Disks that another claim holds stay there.
    Afterwards the domain may be started where a host's start hook asks for an admission.
    """
    with Client.from_environment() as client:
        if scan:
            _scan(client, host)
        claim = client.adopt_domain(domain, project, host, check)
    if as_json:
        print_json(claim)
        return
    charged = amounts_text(claim["charge"])
    if check:
        typer.echo(f"It fits: {claim['owner']['name']} would be charged to {project}: {charged}.")
        return
    typer.echo(f"Adopted {claim['owner']['name']}: {project} is charged {charged} (claim {claim['id']}).")
    for item in claim["items"]:
        typer.echo(f"  {item['key']}  {amounts_text(item['charge'])}")


def _scan(client: Client, host: str | None) -> None:
    for each in [host] if host is not None else [known["name"] for known in client.list_hosts()]:
        with progress(f"Scanning {each}"):
            try:
                client.scan_host(each)
            except ApiError as error:
                if error.code not in ("unavailable", "busy"):
                    raise
                say(f"Host {each} could not be scanned, what was last seen there counts: {error}")
