"""Previews without access to the host, beside the same previews with it."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.processes import wait_until
from tests.world import guests, runners
from tests.world.stack import Stack
from tests.world.world import World

# Each runs the engine several times.
pytestmark = pytest.mark.timeout(900)
PROGRAM_SECRET = '\npulumi.export("password", pulumi.Config("other").require_secret("password"))\n'
LEFT = "limen-preview-"


class Sandbox:
    """A stack that is there, its state for previews, and what a machine without access to its host has."""

    def __init__(self, world: World, stack: Stack, state: Path, token: Path) -> None:
        self.world, self.stack, self.state = world, stack, state
        self.environment = runners.for_strangers(world, token)

    def start(self, *command: str) -> "subprocess.Popen[str]":
        argv = [
            "limen",
            "preview-sandbox",
            "--state",
            str(self.state),
            *(("--", *command) if command else ()),
        ]
        return subprocess.Popen(
            argv,
            cwd=self.stack.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        with self.start(*command) as process:
            output, errors = process.communicate(timeout=self.stack.seconds)
        return process.returncode, output, errors


@contextlib.contextmanager
def unreachable(world: World) -> Iterator[None]:
    """The host's socket is not there."""
    socket = Path(world.uri.partition("socket=")[2])
    aside = socket.with_name("aside")
    socket.rename(aside)
    try:
        yield
    finally:
        aside.rename(socket)


@pytest.fixture(scope="module")
def sandbox(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    stack = world.stack("preview")
    program = stack.folder / "__main__.py"
    program.write_text(program.read_text() + "\nimport pulumi\n" + PROGRAM_SECRET)
    stack.configure(document(world))
    change(stack, {}, **{"libvirt:uri": world.uri})
    stack.pulumi("config", "set", "--secret", "other:password", "hunter2", "--stack", stack.name).require()
    stack.up().require()
    state, token = folder / "state.json", folder / "token"
    written = subprocess.run(
        ["limen", "preview-state", stack.name, "--output", str(state)],
        cwd=stack.folder,
        env=world.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert written.returncode == 0, written.stderr
    yield Sandbox(world, stack, state, token)
    stack.configure({**document(world), "vms": {}})
    stack.destroy().require()


@pytest.fixture
def configured(world: World, sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, whose stack's configuration a test may change."""
    before = sandbox.stack.config_file.read_text()
    yield sandbox
    sandbox.stack.config_file.write_text(before)


def document(world: World, data: str = "4MiB", **vm: Any) -> dict[str, Any]:
    disks = {"data": {"size": data, "keep": False}}
    return world.document({"web": guests.vm(disks=["data"], **vm)}, disks=disks)


def change(stack: Stack, wanted: dict[str, Any], **settings: str) -> None:
    """Change the configuration as a pull request does: what else stands there, sealed secrets too, stays."""
    file = stack.config_file
    whole = yaml.safe_load(file.read_text())
    whole["config"] |= {
        f"{stack.program}:{section}": entries for section, entries in wanted.items()
    } | settings
    file.write_text(yaml.safe_dump(whole))


def steps(preview: str) -> list[tuple[str, str]]:
    """Sorted: the engine plans what does not depend on each other in any order."""
    return sorted((step["op"], step["urn"]) for step in json.loads(preview)["steps"])


def test_an_unchanged_stack_shows_no_change_without_the_host_and_without_secrets(sandbox: Sandbox) -> None:
    assert "hunter2" not in sandbox.state.read_text()
    before = {path: path.read_bytes() for path in sandbox.stack.folder.glob("Pulumi*")}
    with unreachable(sandbox.world):
        code, output, errors = sandbox.run()
    assert code == 0, output + errors
    assert {op for op, _ in steps(output)} == {"same"}
    assert "what changed on the host since is not seen" in errors
    assert "2 secrets are placeholders" in errors
    assert "other:password" in errors
    assert {path: path.read_bytes() for path in sandbox.stack.folder.glob("Pulumi*")} == before


def test_a_changed_stack_shows_the_steps_of_the_true_preview(configured: Sandbox) -> None:
    change(configured.stack, document(configured.world, "6MiB", memory="96MiB"))
    true = configured.stack.preview("--json").require().output
    with unreachable(configured.world):
        code, output, errors = configured.run()
    assert code == 0, output + errors
    assert steps(output) == steps(true)
    assert {op for op, _ in steps(output)} == {"same", "update"}
    # What each change does to the guest is told by the state, and this is said.
    for said in (
        "web goes from 64MiB to 96MiB of memory, with a restart of the guest.",
        "4MiB to 6MiB, live.",
    ):
        assert said in true
        assert f"{said} So says the state" in output


def test_what_does_not_fit_and_what_would_lose_data_is_refused(configured: Sandbox) -> None:
    change(configured.stack, document(configured.world, memory="512MiB"))
    with unreachable(configured.world):
        code, output, _ = configured.run()
        assert code != 0
        assert "project demo may not use 448MiB more memory" in output
        change(configured.stack, document(configured.world, "3MiB"))
        code, output, _ = configured.run()
    assert code != 0
    assert "cannot shrink to 3MiB" in output


def test_a_move_to_another_host_is_refused(configured: Sandbox) -> None:
    change(configured.stack, {}, **{"libvirt:uri": "qemu+ssh://root@other/system"})
    code, output, errors = configured.run()
    assert (code, output) == (1, "")
    assert "moves the stack to another host" in errors


def test_nothing_is_built_refreshed_or_destroyed_in_it(sandbox: Sandbox) -> None:
    commands = (
        f"pulumi {verb} --yes --skip-preview --non-interactive" for verb in ("up", "destroy", "refresh")
    )
    script = "; ".join(f"{command} && echo DONE || echo REFUSED" for command in commands)
    _, output, _ = sandbox.run("sh", "-c", script)
    refusals = output.split("REFUSED")[:-1]
    assert len(refusals) == 3
    assert "DONE" not in output
    assert all("without access to the host" in " ".join(said.split()) for said in refusals), output
    assert "preview-web" in sandbox.world.domains()


def test_the_exit_code_is_the_commands_and_nothing_is_left_when_it_is_killed(sandbox: Sandbox) -> None:
    code, output, _ = sandbox.run("sh", "-c", 'echo "$LIMEN_PREVIEW_ONLY"; kill -KILL $$')
    assert code == 128 + signal.SIGKILL
    assert LEFT in output
    assert not Path(output.strip()).parent.exists()


def test_a_signal_ends_the_command_and_the_empty_host(sandbox: Sandbox) -> None:
    with sandbox.start("sh", "-c", 'echo "$LIMEN_PREVIEW_ONLY"; exec sleep 600') as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip()).parent
        pid = int((folder / "host" / "libvirt" / "libvirtd.pid").read_text())
        assert os.stat(f"/proc/{pid}").st_uid != 0, "the empty libvirtd may be root's nowhere"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_the_empty_host_goes_with_a_sandbox_that_is_killed(sandbox: Sandbox) -> None:
    with sandbox.start("sh", "-c", 'echo "$LIMEN_PREVIEW_ONLY $$"; exec sleep 600') as process:
        assert process.stdout is not None
        file, command = process.stdout.readline().split()
        pid = int((Path(file).parent / "host" / "libvirt" / "libvirtd.pid").read_text())
        process.kill()
        # It is not our child, so that nobody tells us.
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), 60.0, "libvirtd goes with its sandbox")
        os.kill(int(command), signal.SIGKILL)
