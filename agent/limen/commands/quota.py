"""`limen quota`: limits, bounds, how a project stands, and what would be decided."""

from typing import Annotated, Any

import typer

from limen.client import Client
from limen.commands.arguments import (
    NONE,
    check_limits,
    parse_amounts,
    parse_duration,
    parse_pairs,
    split_commas,
)
from limen.commands.output import DENIED, BadInput, JsonFlag, print_json, print_table, shown
from limen.quota.units import parse_amount

app = typer.Typer(help="Set and show limits; ask what would fit.", no_args_is_help=True)
Project = Annotated[str, typer.Argument(help="The project's name.")]
Written = Annotated[
    list[str], typer.Argument(metavar="RESOURCE=AMOUNT...", help="Such as vcpus=8 memory=16GiB.")
]


@app.command("set")
def set_limits(
    project: Project,
    limits: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RESOURCE=AMOUNT...", help="AMOUNT may be `unlimited`, or `none` (none may be used)."
        ),
    ] = None,
    soft: Annotated[
        list[str] | None, typer.Option(help="RESOURCE=AMOUNT above which admissions warn; `none` ends it.")
    ] = None,
    grace: Annotated[
        str | None, typer.Option(help="How long a soft limit may be exceeded, such as 7d.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Set limits of the named resources; others, and soft limits that are not named, stay."""
    hard = check_limits(parse_pairs(limits or ()))
    softs = parse_pairs(split_commas(soft or ()))
    for resource, text in softs.items():
        if text != NONE:
            parse_amount(text, resource)
    seconds = None if grace is None else int(parse_duration(grace).total_seconds())
    if not hard and not softs:
        raise BadInput("Name at least one RESOURCE=AMOUNT, such as memory=16GiB.")
    if seconds is not None and not softs:
        raise BadInput("--grace belongs to --soft: give both.")
    with Client.from_environment() as client:
        present = {each["resource"]: each for each in client.get_quota(project)["resources"]}
        wanted = {
            name: _limit(name, hard, softs, seconds, present.get(name, {})) for name in {**hard, **softs}
        }
        answer = client.set_limits(project, wanted)
    _print_quota(answer, as_json)


@app.command("show")
def show_quota(project: Project, as_json: JsonFlag = False) -> None:
    """Show limits, what is used, reserved and left, and who holds it."""
    with Client.from_environment() as client:
        answer = client.get_quota(project)
    _print_quota(answer, as_json)


@app.command("explain")
def explain_quota(project: Project, amounts: Written, as_json: JsonFlag = False) -> None:
    """Say whether these amounts more would fit, and why. Exit code 0: they fit; 3: denied; 2: bad input."""
    wanted = parse_amounts(amounts)
    with Client.from_environment() as client:
        decision = client.explain(project, amounts=wanted)
    if as_json:
        print_json(decision)
    else:
        typer.echo(decision["text"])
    if not decision["allowed"]:
        raise typer.Exit(DENIED)


@app.command("bounds")
def set_bounds(
    project: Project,
    minimum: Annotated[list[str] | None, typer.Option(help="RESOURCE=AMOUNT, `none` for no bound.")] = None,
    maximum: Annotated[list[str] | None, typer.Option(help="RESOURCE=AMOUNT, `none` for no bound.")] = None,
    default: Annotated[list[str] | None, typer.Option(help="RESOURCE=AMOUNT, `none` for no default.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Set what one VM (for disk: one disk) may have; bounds that are not named stay."""
    written = {
        "minimum": parse_pairs(split_commas(minimum or ())),
        "maximum": parse_pairs(split_commas(maximum or ())),
        "default": parse_pairs(split_commas(default or ())),
    }
    resources = {resource for pairs in written.values() for resource in pairs}
    if not resources:
        raise BadInput("Name at least one bound, such as --maximum vcpus=8.")
    for pairs in written.values():
        for resource, text in pairs.items():
            if text != NONE:
                parse_amount(text, resource)
    with Client.from_environment() as client:
        present = client.get_quota(project)["own_bounds"]
        wanted = {}
        for resource in sorted(resources):
            bound = dict(present.get(resource, {}))
            for word, pairs in written.items():
                if resource in pairs:
                    bound[word] = None if pairs[resource] == NONE else pairs[resource]
            wanted[resource] = bound
        answer = client.set_bounds(project, wanted)
    _print_quota(answer, as_json)


def _limit(
    resource: str,
    hard: dict[str, str | None],
    softs: dict[str, str],
    seconds: int | None,
    present: dict[str, Any],
) -> dict[str, Any]:
    limit: dict[str, Any] = {"hard": hard[resource] if resource in hard else present.get("hard")}
    if limit["hard"] is None:
        if resource in softs and softs[resource] != NONE:
            raise BadInput(f"{resource} has no hard limit yet: give {resource}=AMOUNT too.")
        return limit
    soft = softs.get(resource, present.get("soft"))
    if soft is not None and soft != NONE:
        limit["soft"] = soft
        grace = seconds if resource in softs and seconds is not None else present.get("grace_seconds")
        if grace is not None:
            limit["grace_seconds"] = grace
    return limit


def _print_quota(quota: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(quota)
        return
    typer.echo(f"Project {' below '.join(quota['chain'])}")
    rows = [
        (
            each["resource"],
            shown(each["hard"], each["resource"]),
            shown(each["soft"], each["resource"]) if each["soft"] else "",
            *(shown(each[name], each["resource"]) for name in ("used", "reserved", "left")),
        )
        for each in quota["resources"]
    ]
    print_table(
        ("resource", "limit", "soft", "used", "reserved", "left"),
        rows,
        "No limits are set, so nothing may be used: see `limen quota set --help`.",
    )
    bounds = [
        (
            resource,
            *(
                shown(each[word], resource) if each[word] else ""
                for word in ("minimum", "maximum", "default")
            ),
        )
        for resource, each in quota["bounds"].items()
    ]
    if bounds:
        print_table(("each VM", "minimum", "maximum", "default"), bounds, "")
    claims = [
        (
            claim["id"],
            f"{claim['owner']['kind']} {claim['owner']['name']}",
            " ".join(f"{name}={shown(amount, name)}" for name, amount in claim["charge"].items()),
        )
        for claim in quota["claims"]
        if claim["items"]
    ]
    if claims:
        print_table(("claim", "held by", "charge"), claims, "")
