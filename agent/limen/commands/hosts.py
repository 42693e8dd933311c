"""`limen host`."""

from typing import Annotated, Any

import typer

from limen.client import Client
from limen.commands.arguments import parse_amounts, parse_pairs, split_commas
from limen.commands.existing import check_alike
from limen.commands.output import (
    JsonFlag,
    YesFlag,
    confirm,
    print_fields,
    print_json,
    print_table,
    progress,
    shown,
)
from limen.host_uri import parse_shared
from limen.quota.capacity import parse_ratio

app = typer.Typer(help="Register, show, scan and forget libvirt hosts.", no_args_is_help=True)
HostName = Annotated[str, typer.Argument(help="The host's name or UUID.")]


@app.command()
def add(
    uri: Annotated[str, typer.Argument(help="A libvirt URI that limen-api reaches, such as qemu:///system.")],
    name: Annotated[str | None, typer.Option(help="How to call it; the host's own name by default.")] = None,
    reserve: Annotated[list[str] | None, typer.Option(help="RESOURCE=AMOUNT kept free; repeat.")] = None,
    overcommit: Annotated[
        list[str] | None, typer.Option(help="RESOURCE=RATIO, such as vcpus=4; repeat.")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="How many it has, such as device:a100=2; repeat.")
    ] = None,
    if_missing: Annotated[
        bool,
        typer.Option(
            "--if-missing", help="Leave one of this URI as it is; fail if it is not as the options say."
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Register a host: UUID and capacity are read from it. A known host is brought up to date."""
    uri = parse_shared(uri).text
    reserves = parse_amounts(split_commas(reserve)) if reserve else None
    ratios = _ratios(split_commas(overcommit)) if overcommit else None
    devices = parse_amounts(split_commas(device)) if device else None
    with Client.from_environment() as client:
        there = [each for each in client.list_hosts() if each.get("uri") == uri] if if_missing else []
        if there:
            check_alike(f"host {uri}", _wanted(name, reserves, ratios, devices), _settings(there[0]))
            host = there[0]
        else:
            with progress(f"Connecting to {uri}"):
                host = client.add_host(uri, name, reserves, ratios, devices=devices)
    _print_host(host, as_json)


@app.command("list")
def list_hosts(as_json: JsonFlag = False) -> None:
    """List hosts, whether they answer, and what is left on them."""
    with Client.from_environment() as client:
        found = client.list_hosts()
    if as_json:
        print_json(found)
        return
    rows = [(host["name"], _answers(host), host["scanned"], _left(host), host["id"]) for host in found]
    print_table(
        ("host", "answers", "last scan", "left", "id"),
        rows,
        "There are no hosts: see `limen host add --help`.",
    )


@app.command()
def show(host: HostName, as_json: JsonFlag = False) -> None:
    """Show a host and its capacity."""
    with Client.from_environment() as client:
        found = client.get_host(host)
    _print_host(found, as_json)


@app.command()
def scan(
    host: HostName,
    wait: Annotated[float, typer.Option(min=0.0, max=120.0, help="Seconds to wait for it.")] = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Look at the host now, so that charges are up to date."""
    with Client.from_environment() as client, progress(f"Scanning {host}"):
        found = client.scan_host(host, wait)
    _print_host(found, as_json)


@app.command()
def agent(
    host: HostName,
    url: Annotated[
        str | None, typer.Argument(help="Such as https://host1.example:9000; left out: it is not reached.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say where limen-api reaches the host's agent, which it then shows under /agent/HOST."""
    with Client.from_environment() as client:
        found = client.set_agent(host, url)
    _print_host(found, as_json)


@app.command()
def forget(host: HostName, yes: YesFlag = False) -> None:
    """End the charges of a dead host. What still runs on it is charged to nobody afterwards."""
    confirm(f"Forget host {host} and drop everything that it is charged with?", yes)
    with Client.from_environment() as client:
        client.forget_host(host)
    typer.echo(f"Forgot host {host}.")


def _wanted(
    name: str | None,
    reserves: dict[str, int] | None,
    ratios: dict[str, str] | None,
    devices: dict[str, int] | None,
) -> dict[str, Any]:
    """What the options say about a host; what they leave out may be anything."""
    return {
        **({} if name is None else {"its name": name}),
        **{f"the reserve of {resource}": amount for resource, amount in (reserves or {}).items()},
        **{f"the overcommit of {resource}": parse_ratio(ratio) for resource, ratio in (ratios or {}).items()},
        **{f"the number of {resource}": amount for resource, amount in (devices or {}).items()},
    }


def _settings(host: dict[str, Any]) -> dict[str, Any]:
    """The same of a registered host."""
    settings: dict[str, Any] = {"its name": host["name"]}
    for each in host["resources"]:
        settings[f"the number of {each['resource']}"] = int(each["capacity"])
        settings[f"the reserve of {each['resource']}"] = int(each["reserve"])
        settings[f"the overcommit of {each['resource']}"] = parse_ratio(each["overcommit"])
    return settings


def _ratios(written: list[str]) -> dict[str, str]:
    ratios = parse_pairs(written)
    for text in ratios.values():
        parse_ratio(text)
    return ratios


def _answers(host: dict[str, Any]) -> str:
    return {True: "yes", False: "no", None: "not asked yet"}[host["reachable"]]


def _left(host: dict[str, Any]) -> str:
    left = []
    for each in host["resources"]:
        room = int(each["limit"]) - int(each["used"]) - int(each["reserved"]) - int(each["orphans"])
        left.append(f"{each['resource']}={shown(str(max(0, room)), each['resource'])}")
    return " ".join(left)


def _print_host(host: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(host)
        return
    fields = {
        name: host[name]
        for name in ("name", "id", "uri", "scanned", "agent_url", "reported", "error")
        if host.get(name)
    }
    print_fields({**fields, "answers": _answers(host)})
    rows = [
        (
            each["resource"],
            shown(each["capacity"], each["resource"]),
            each["overcommit"],
            *(
                shown(each[name], each["resource"])
                for name in ("reserve", "limit", "used", "reserved", "orphans")
            ),
        )
        for each in host["resources"]
    ]
    print_table(
        ("resource", "capacity", "overcommit", "reserve", "limit", "used", "reserved", "unclaimed"), rows, ""
    )
