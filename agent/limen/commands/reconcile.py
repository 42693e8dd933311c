"""`limen reconcile`: where ledger and hosts do not agree."""

from typing import Annotated, Any

import typer

from limen.client import ApiError, Client
from limen.commands.output import (
    FAILED,
    BadInput,
    JsonFlag,
    YesFlag,
    amounts_text,
    confirm,
    print_json,
    print_table,
    progress,
)


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="Do what each finding offers.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Repair this finding only; repeat.")] = None,
    project: Annotated[
        str | None, typer.Option(help="Charge the orphans that --only names to this project: adopt them.")
    ] = None,
    scan: Annotated[bool, typer.Option(help="Scan every host first.")] = True,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Name orphans (unclaimed), ghosts (claimed, gone), drift (other sizes), duplicates; repair what is told.

    Repairs: a ghost is released, a claim above what is seen is lowered, one below is claimed (if it fits);
    orphans are adopted (if they fit) when --project says who is charged. No repair touches a host. Exit code
    1 if a repair could not be done.
    """
    if project is not None and not (repair and only):
        raise BadInput("--project adopts orphans: give --repair, and name each with --only.")
    with Client.from_environment() as client:
        if scan:
            _scan_all(client)
        answer = client.get_findings()
        findings = answer["findings"]
        results: list[dict[str, Any]] = []
        if repair:
            told = _told([each for each in findings if not only or each["id"] in only], project)
            if told:
                confirm(f"Repair {len(told)} of {len(findings)} findings?", yes)
                results = client.repair(told)["results"]
    if as_json:
        print_json({**answer, "results": results})
    else:
        _print(answer, results)
    if not all(result["done"] for result in results):
        raise typer.Exit(FAILED)


def _told(findings: list[dict[str, Any]], project: str | None) -> list[dict[str, str]]:
    """The first action that each finding offers; nothing is adopted unless somebody is named to pay."""
    told = []
    for each in findings:
        action = each["actions"][0] if each["actions"] else None
        if action == "adopt" and project is not None:
            told.append({"finding": each["id"], "action": action, "project": project})
        elif action is not None and action != "adopt":
            told.append({"finding": each["id"], "action": action})
    return told


def _scan_all(client: Client) -> None:
    for host in client.list_hosts():
        with progress(f"Scanning {host['name']}"):
            try:
                client.scan_host(host["id"])
            except ApiError:
                # A host that does not answer is named below; its last observation stands.
                continue


def _print(answer: dict[str, Any], results: list[dict[str, Any]]) -> None:
    rows = [
        (
            each["kind"],
            each["item_kind"],
            each["name"],
            each["project"],
            amounts_text(each["claimed"]),
            amounts_text(each["observed"]),
            " ".join(each["actions"]),
            each["id"],
        )
        for each in answer["findings"]
    ]
    columns = ("finding", "kind", "name", "project", "claimed", "seen", "repair", "id")
    print_table(columns, rows, "Ledger and hosts agree.")
    for name in answer["unreachable"]:
        typer.echo(f"Host {name} does not answer: what was last seen there stands.")
    for result in results:
        outcome = "done" if result["done"] else f"not done: {result['detail']}"
        typer.echo(f"{result['action']} {result['finding']}: {outcome}")
