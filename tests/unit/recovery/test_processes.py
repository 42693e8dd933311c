"""Living processes of a run, told by /proc from real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.recovery.processes import concerns, end, living, wait_gone

WAIT = "import sys; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    found: list[subprocess.Popen[str]] = []
    yield found
    for process in found:
        process.kill()
        with process:  # closes its pipes and waits
            pass


def start(
    folder: Path, started: list[subprocess.Popen[str]], *argv: str, code: str = WAIT
) -> subprocess.Popen[str]:
    """A process with the given argv[0], and its further arguments."""
    process = subprocess.Popen(
        [argv[0], "-c", code, *argv[1:]],
        executable=sys.executable,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    return process


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["pulumi", "up"], True),
        (["pulumi", "up", "--stack", "dev"], True),
        (["pulumi", "up", "-s", "organization/vm_stack/dev"], True),
        (["pulumi", "up", "--stack=dev"], True),
        (["pulumi", "up", "--stack", "prod"], False),
        (["pulumi", "up", "--stack=prod"], False),
    ],
)
def test_a_pulumi_concerns_a_stack_unless_it_names_another(arguments: list[str], expected: bool) -> None:
    assert concerns(arguments, "dev") is expected


def test_an_engine_in_the_programs_folder_is_found(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    engine = start(tmp_path, started, "/opt/bin/pulumi", "up", "--stack", "dev")
    start(tmp_path, started, "pulumi", "up", "--stack", "prod")
    start(elsewhere, started, "pulumi", "up", "--stack", "dev")
    start(tmp_path, started, "python3", "pulumi-notes.txt")
    assert [(each.pid, each.orphan) for each in living(tmp_path, "dev")] == [(engine.pid, False)]


def test_a_plugin_is_an_orphan_once_its_engine_is_dead(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen(['/x/pulumi-resource-limen', '-c', {WAIT!r}], "
        f"executable={sys.executable!r},"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "child.stdout.readline(); print('ready', child.pid, flush=True); sys.stdin.read()"
    )
    engine = subprocess.Popen(
        ["pulumi", "-c", code, "up", "-s", "dev"],
        executable=sys.executable,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    started.append(engine)
    assert engine.stdout is not None
    plugin = int(engine.stdout.readline().split()[1])
    assert {(each.pid, each.orphan) for each in living(tmp_path, "dev")} == {
        (engine.pid, False),
        (plugin, False),
    }
    # The plugin's standard input belongs to the engine: keep it open, so that the plugin outlives it.
    kept = os.open(f"/proc/{engine.pid}/fd/{_pipe_to(engine.pid, plugin)}", os.O_WRONLY)
    engine.kill()
    engine.wait()
    orphans = living(tmp_path, "dev")
    assert [(each.pid, each.orphan) for each in orphans] == [(plugin, True)]
    assert wait_gone(orphans, 0.2) == orphans
    assert end(orphans, 10) == ()
    os.close(kept)
    assert living(tmp_path, "dev") == ()


def _pipe_to(parent: int, child: int) -> str:
    """The parent's descriptor of the pipe that is the child's standard input."""
    pipe = os.readlink(f"/proc/{child}/fd/0")
    return next(
        name
        for name in os.listdir(f"/proc/{parent}/fd")
        if int(name) > 2 and os.readlink(f"/proc/{parent}/fd/{name}") == pipe
    )
