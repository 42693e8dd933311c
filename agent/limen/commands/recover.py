"""`limen recover`: bring a stack back whose `pulumi up` was killed."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from limen.client import ApiError, Client
from limen.commands.output import BadInput, JsonFlag, YesFlag, confirm, print_json, print_table, progress, say
from limen.pulumi_cli import PulumiFailed, run_pulumi
from limen.recovery import processes
from limen.recovery.backend import drop_unwritten, folder_of
from limen.recovery.errors import RecoveryError
from limen.recovery.plan import ON_HOST, Sight, Step, make_plan, recovered
from limen.recovery.state import StackState, read_state
from limen.recovery.strays import strays, with_strays

ORPHAN_SECONDS = 10.0


def recover(
    stack: Annotated[str, typer.Argument(help="The stack's name.")],
    cwd: Annotated[Path, typer.Option(help="The Pulumi program's folder.")] = Path(),
    kill_orphans: Annotated[
        bool, typer.Option("--kill-orphans", help="End plugins whose pulumi is dead, if they don't end.")
    ] = False,
    uri: Annotated[
        str | None,
        typer.Option(
            "--connect", "-c", envvar="LIMEN_LIBVIRT_URI", help="The host, if the state names none."
        ),
    ] = None,
    yes: YesFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Bring a stack back whose `pulumi up` or plugin was killed, so that the next `pulumi up` goes on.

    Unlocks it, removes VMs and networks that an interrupted creation left, adopts volumes (which may hold
    data), releases a claim that no state knows, refreshes, and has the host scanned. It never ends a running
    pulumi, and can itself be repeated after being killed.
    """
    program = cwd.resolve()
    pulumi = _Pulumi(program, stack)
    _require_dead(program, stack, kill_orphans)
    pulumi.mend_backend()
    exported = pulumi.export()
    state = read_state(exported)
    with Client.from_environment() as client:
        address = _address(state, uri)
        sight = _look(address, state)
        planned, left = make_plan(state, sight), strays(state, sight)
        steps = (*planned, *left)
        if not as_json:
            _print_steps(steps)
        confirm(f"Recover stack {stack} like this?", yes)
        with progress(f"Recovering {stack}"):
            pulumi.run("cancel", "--yes")
            _carry_out(client, address, state, steps)
            if state.pending or left:
                mended = with_strays(recovered(exported, planned), left)
                pulumi.run("stack", "import", stdin=json.dumps(mended))
            pulumi.run("refresh", "--yes", "--skip-preview")
            scanned = _scan(client, state)
    if as_json:
        print_json({"stack": stack, "steps": [vars(step) for step in steps], "scanned": scanned})
    else:
        say(f"Stack {stack} is unlocked and refreshed. Go on with `pulumi up`.")


class _Pulumi:
    """The CLI for one stack; its words are kept out of ours unless it fails."""

    def __init__(self, program: Path, stack: str) -> None:
        if shutil.which("pulumi") is None:
            raise BadInput("pulumi is not on PATH: load the env file first, `. .limen/env`.")
        if not (program / "Pulumi.yaml").is_file():
            raise BadInput(f"{program} holds no Pulumi program: name its folder with --cwd.")
        self._program = program
        self._stack = stack

    def run(self, *arguments: str, stdin: str = "", stack: bool = True) -> str:
        """Standard output; raises RecoveryError with what pulumi said."""
        chosen = ["--stack", self._stack] if stack else []
        try:
            return run_pulumi(self._program, *arguments, *chosen, stdin=stdin)
        except PulumiFailed as error:
            raise RecoveryError(f"`pulumi {' '.join(arguments)}` failed: {error}") from error

    def mend_backend(self) -> None:
        """Make the state readable again, where a killed pulumi left it unreadable."""
        environment = os.environ.get("PULUMI_BACKEND_URL")
        url = environment or json.loads(self.run("whoami", "--json", stack=False))["url"]
        folder = folder_of(url, self._program)
        if folder is not None:
            drop_unwritten(folder)

    def export(self) -> dict[str, Any]:
        # Without --show-secrets: secrets stay encrypted on their way through here.
        document = json.loads(self.run("stack", "export"))
        if not isinstance(document, dict):
            raise RecoveryError("`pulumi stack export` printed no state: check the backend.")
        return document


def _require_dead(program: Path, stack: str, kill_orphans: bool) -> None:
    found = processes.living(program, stack)
    running = [each for each in found if not each.orphan]
    if running:
        raise RecoveryError(
            f"{_named(running)} still works on this stack: wait for it, or interrupt it first."
        )
    left = found
    if found:
        with progress(f"Waiting for {_named(found)} to end"):
            left = processes.wait_gone(found, ORPHAN_SECONDS)
            if left and kill_orphans:
                left = processes.end(left, ORPHAN_SECONDS)
    if left:
        raise RecoveryError(
            f"{_named(left)} of an interrupted run still lives and may be building something: "
            "end it, or give --kill-orphans."
        )


def _named(found: Sequence[processes.Living]) -> str:
    return ", ".join(f"{each.name} (process {each.pid})" for each in found)


def _address(state: StackState, uri: str | None) -> str | None:
    if not state.identities and not any(each.type in ON_HOST for each in state.pending):
        return None
    found = state.first("libvirtUri") or uri
    if not found:
        raise BadInput("The state does not say which host the stack is on: give --connect URI.")
    return found


def _look(address: str | None, state: StackState) -> Sight:
    if address is None:
        return Sight()
    # Only a recovery that has to look at a host needs libvirt here.
    from limen.hypervisor.connection import connect, require_host
    from limen.recovery.host import look

    with progress(f"Looking at {address}"), connect(address, readonly=True) as connection:
        host = state.first("hostUuid")
        if host:
            require_host(connection, host)
        return look(connection)


def _carry_out(client: Client, address: str | None, state: StackState, steps: tuple[Step, ...]) -> None:
    for step in steps:
        if step.do == "release":
            _release(client, step.identity)
    removals = [step for step in steps if step.do == "remove"]
    if address is None or not removals:
        return
    from limen.hypervisor.connection import connect, require_host
    from limen.recovery.host import remove

    with connect(address) as connection:
        host = state.first("hostUuid")
        if host:
            require_host(connection, host)
        # Domains first: they hold on to networks and volumes.
        for step in sorted(removals, key=lambda step: step.kind != "domain"):
            remove(connection, step)


def _release(client: Client, claim_id: str) -> None:
    try:
        claim = client.get_claim(claim_id)
        if claim["state"] == "held":
            client.release_claim(claim_id, claim["generation"])
    except ApiError as error:
        if error.code != "not_found":
            raise


def _scan(client: Client, state: StackState) -> bool:
    """Have the host scanned, so that charges are up to date; a host that is away is told, not fatal."""
    host = state.first("hostUuid", "host")
    if host is None:
        return False
    try:
        client.scan_host(host)
    except ApiError as error:
        say(f"The host was not scanned: {error}")
        return False
    return True


def _print_steps(steps: tuple[Step, ...]) -> None:
    rows = [(step.do, step.kind, step.name, step.why) for step in steps]
    print_table(("do", "what", "name", "why"), rows, "Nothing was left behind: unlock and refresh only.")
