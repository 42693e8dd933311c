"""`limen vm`: what runs, and ways in."""

import os
import re
import shutil
from typing import Annotated, Any
from uuid import UUID

import typer

from limen.client import Client
from limen.commands.output import (
    BadInput,
    JsonFlag,
    amounts_text,
    identity,
    print_fields,
    print_json,
    print_table,
)
from limen.host_uri import parse

_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
app = typer.Typer(help="List and show VMs; open SSH or the serial console.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The VM's name, as libvirt or its stack has it, or its UUID.")]
Project = Annotated[str | None, typer.Option(help="Where the name is used in several projects.")]
Uri = Annotated[
    str | None,
    typer.Option(
        "--connect",
        "-c",
        envvar="LIMEN_LIBVIRT_URI",
        help="The host's libvirt URI; as registered by default.",
    ),
]


@app.command("list")
def list_vms(project: Project = None, host: str | None = None, as_json: JsonFlag = False) -> None:
    """List the VMs that claims hold, and whether their host was seen to hold them."""
    with Client.from_environment() as client:
        found = _vms(client, project, host)
    if as_json:
        print_json(found)
        return
    rows = [
        (vm["name"], vm["project"], vm["owner"], vm["state"], amounts_text(vm["charge"]), vm["uuid"])
        for vm in found
    ]
    print_table(("vm", "project", "held by", "state", "charge", "uuid"), rows, "There are no VMs.")


@app.command()
def show(name: Name, project: Project = None, as_json: JsonFlag = False) -> None:
    """Show a VM, and what else its claim holds."""
    with Client.from_environment() as client:
        vm = _find(client, name, project)
        claim = client.get_claim(vm["claim"])
    others = [item for item in claim["items"] if item["key"] != vm["key"]]
    if as_json:
        print_json({**vm, "beside": others})
        return
    fields = {field: vm[field] for field in ("name", "uuid", "project", "owner", "host", "state", "claim")}
    print_fields({**fields, "charge": amounts_text(vm["charge"])})
    rows = [
        (
            item["kind"],
            item["name"],
            item["state"],
            amounts_text(item["charge"]),
            identity(item),
        )
        for item in others
    ]
    print_table(("beside it", "name", "state", "charge", "identity"), rows, "Its claim holds nothing else.")


@app.command()
def ssh(
    name: Name,
    command: Annotated[list[str] | None, typer.Argument(help="A command to run there, after --.")] = None,
    project: Project = None,
    connect: Uri = None,
    user: Annotated[str | None, typer.Option(help="Log in as.")] = None,
    config: Annotated[
        str | None,
        typer.Option(envvar="LIMEN_SSH_CONFIG", help="An ssh configuration, such as with a ProxyCommand."),
    ] = None,
) -> None:
    """Log in by SSH at the address that the guest agent or DHCP tells, through a host that SSH leads to.

    A configuration of your own says how to get there itself.
    """
    with Client.from_environment() as client:
        vm = _find(client, name, project)
        uri = _uri(client, vm["host"], connect)
    address = _address(uri, vm)
    arguments = ["ssh", *(["-F", config] if config else _through(uri)), *(["-l", user] if user else [])]
    # The name stays what the configuration's Host patterns and known_hosts see. Its project chose it: one
    # that ssh could take for an option or a shell's words gives way to the UUID.
    seen_as = vm["name"] if _HOST_NAME.fullmatch(vm["name"]) else str(UUID(vm["uuid"]))
    arguments += ["-o", f"HostName={address}", "-o", f"HostKeyAlias={vm['uuid']}", seen_as]
    _become([*arguments, *(["--", *command] if command else [])])


@app.command()
def console(name: Name, project: Project = None, connect: Uri = None) -> None:
    """Open the serial console by virsh; leave it with Ctrl + ]."""
    with Client.from_environment() as client:
        vm = _find(client, name, project)
        uri = _uri(client, vm["host"], connect)
    _become(["virsh", "--connect", uri, "console", str(UUID(vm["uuid"]))])


def _vms(client: Client, project: str | None, host: str | None = None) -> list[dict[str, Any]]:
    return [
        {
            **{field: item[field] for field in ("key", "name", "uuid", "host", "state", "charge")},
            "project": claim["project"],
            "owner": f"{claim['owner']['kind']} {claim['owner']['name']}",
            "claim": claim["id"],
        }
        for claim in client.list_claims(project, host)
        for item in claim["items"]
        if item["kind"] == "vm"
    ]


def _find(client: Client, name: str, project: str | None) -> dict[str, Any]:
    known = _vms(client, project)
    found = [vm for vm in known if name in (vm["name"], vm["uuid"])]
    # Libvirt's names begin with the stack's; people know the VM by its key.
    found = found or [vm for vm in known if name == vm["key"].removeprefix("vm:")]
    if not found:
        raise BadInput(f"There is no VM {name} that you may see: try `limen vm list`.")
    if len(found) > 1:
        places = ", ".join(f"{vm['name']} in {vm['project']} ({vm['uuid']})" for vm in found)
        raise BadInput(
            f"Several VMs are called {name}: {places}. Give the whole name, the UUID, or --project."
        )
    return found[0]


def _uri(client: Client, host: str, given: str | None) -> str:
    """How the host is reached, written anew: what limen-api says of it is another machine's word."""
    uri = given or client.get_host(host).get("uri")
    if not uri:
        raise BadInput(
            "Only administrators are told the host's URI: give --connect, or set LIMEN_LIBVIRT_URI."
        )
    return parse(str(uri)).text


def _through(uri: str) -> list[str]:
    """Options of ssh that lead through the host: its NAT networks let nobody in from outside."""
    from limen.ssh_route import proxy_command

    proxy = proxy_command(uri)
    return [] if proxy is None else ["-o", f"ProxyCommand={proxy}"]


def _address(uri: str, vm: dict[str, Any]) -> str:
    # Only these two commands need libvirt, which an operator's own machine may not have.
    from limen.hypervisor.connection import connect, require_host
    from limen.hypervisor.domains import addresses

    with connect(uri, readonly=True) as connection:
        require_host(connection, vm["host"])
        found = [each.address for each in addresses(connection, vm["uuid"])]
    if not found:
        raise BadInput(
            f"{vm['name']} has no address yet: wait until it has booted, or try `limen vm console`."
        )
    return found[0]


def _become(arguments: list[str]) -> None:
    if shutil.which(arguments[0]) is None:
        raise BadInput(f"{arguments[0]} is not installed here.")
    os.execvp(arguments[0], arguments)  # noqa: S606  no shell: the arguments are passed as they are
