"""install.py where it has to build: a stand-in for Go that is quick, and breaks on demand."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from installer import go_libvirt, pins

from tests.lab.processes import wait_until

INSTALL = pins.TOOLCHAIN / "install.py"

# Knows the ways the installer calls Go; what it "builds" prints the version stamped into it.
GO = """#!/bin/sh
echo "$@" >>"$FAKE/calls"
case "$1 $2" in
"env GOVERSION") printf '%s\\n' "${FAKE_GO:-go1.26.8}" local linux amd64; exit;;
"env GOMODCACHE") printf '%s\\n' "$FAKE" "$FAKE"; exit;;
"list -m") echo "$FAKE/go-libvirt"; exit;;
"mod download" | "mod edit") exit;;
esac
if [ -n "$FAKE_WAIT" ]; then : >"$FAKE/waiting"; read _ <"$FAKE_WAIT"; fi
if [ -n "$FAKE_FAIL" ]; then echo "$FAKE_FAIL" >&2; exit 1; fi
version=${FAKE_VERSION:-$(echo "$*" | sed -n 's/.*ersion=\\([v0-9.]*\\).*/\\1/p')}
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho %s\\n' "$version" >"$2"
chmod +x "$2"
"""


class Machine:
    """A machine with this Go and nothing else, and folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "path"
        self.prefix = folder / "prefix"
        self.home = folder / "home"
        self.cache = folder / "cache" / "toolchain"
        self.bin.mkdir()
        self.environ = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(folder),
            "FAKE": str(folder),
            "LIMEN_CACHE_DIR": str(folder / "cache"),
        }
        self.program("go", GO)
        # The module that the installer mends, as Go would have fetched it.
        (folder / "go-libvirt").mkdir()
        (folder / "go-libvirt" / "rpc.go").write_text(go_libvirt.AFTER)

    def program(self, name: str, text: str) -> Path:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def argv(self, *more: str) -> list[str]:
        places = ["--prefix", str(self.prefix), "--pulumi-home", str(self.home), "--python", sys.executable]
        return [sys.executable, str(INSTALL), *places, *more]

    def install(self, *more: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*more), env={**self.environ, **environ}, capture_output=True, text=True, check=False
        )

    @property
    def builds(self) -> int:
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        return sum(line.startswith("build ") for line in lines)

    @property
    def entries(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir() if path.is_dir())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_new_machine_gets_everything_in_its_place(machine: Machine) -> None:
    done = machine.install()
    assert done.returncode == 0, done.stderr
    plugins = machine.home / "plugins"
    placed = {
        machine.prefix / "bin" / "pulumi": "v3.250.0",
        plugins / "resource-libvirt-v0.5.4" / "pulumi-resource-libvirt": "0.5.4",
    }
    for path, version in placed.items():
        assert subprocess.check_output([path], text=True).strip() == version
    limen = plugins / f"resource-limen-v{pins.limen_version()}" / "pulumi-resource-limen"
    assert limen.read_text().endswith('-P -m limen_provider "$@"\n')
    assert os.access(limen, os.X_OK)
    assert not list(machine.home.rglob("PulumiPlugin.yaml"))
    host = subprocess.run(
        [machine.prefix / "bin" / "pulumi-language-python", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "language host for Python" in host.stdout


def test_a_second_installation_builds_and_changes_nothing(machine: Machine) -> None:
    machine.install()
    built = machine.builds
    before = {path: path.stat().st_ino for path in machine.prefix.rglob("*")}
    assert machine.install().returncode == 0
    assert machine.builds == built == 3
    assert {path: path.stat().st_ino for path in machine.prefix.rglob("*")} == before


def test_another_go_builds_anew(machine: Machine) -> None:
    machine.install()
    machine.install(FAKE_GO="go1.27.0")
    assert machine.builds == 6
    assert len(machine.entries) == 4


def test_a_damaged_binary_in_the_cache_is_built_again(machine: Machine) -> None:
    machine.install()
    for binary in machine.cache.rglob("pulumi"):
        binary.write_text("")
    assert machine.install().returncode == 0
    assert machine.builds == 4
    assert subprocess.check_output([machine.prefix / "bin" / "pulumi"], text=True) == "v3.250.0\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_nothing_that_is_taken_for_built(
    machine: Machine, number: int
) -> None:
    os.mkfifo(machine.folder / "gate")
    environ = {**machine.environ, "FAKE_WAIT": str(machine.folder / "gate")}
    process = subprocess.Popen(
        machine.argv(),
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        # Tests that run in the background of a script ignore it, and what they start would as well.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until((machine.folder / "waiting").exists, 20.0, "it waits at the gate")
    os.killpg(process.pid, number)
    told = process.communicate(timeout=20)[1]
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "run it again to go on" in told
        assert machine.entries == []
    assert not (machine.prefix / "bin" / "pulumi").exists()
    assert machine.install().returncode == 0
    assert len(machine.entries) == 2


def test_two_at_once_build_once(machine: Machine) -> None:
    gate = machine.folder / "gate"
    os.mkfifo(gate)
    first = subprocess.Popen(machine.argv(), env={**machine.environ, "FAKE_WAIT": str(gate)})
    wait_until((machine.folder / "waiting").exists, 20.0, "it waits at the gate")
    second = subprocess.Popen(machine.argv(), env=machine.environ, stderr=subprocess.PIPE, text=True)
    assert second.stderr is not None
    assert "waiting for another build of the same" in second.stderr.readline()
    while first.poll() is None:
        # The stand-in waits at each of its builds.
        wait_until(lambda: first.poll() is not None or open_gate(gate), 20.0, "it ends or opens the gate")
    assert first.returncode == 0
    second.communicate(timeout=20)
    assert second.returncode == 0
    assert machine.builds == 3


def open_gate(gate: Path) -> bool:
    """Let one waiting build pass; False: none waits, or it has passed already and is closing its end."""
    try:
        handle = os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        os.write(handle, b"\n")
    except BrokenPipeError:
        return False
    finally:
        os.close(handle)
    return True


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"FAKE_FAIL": "dial tcp: lookup: no such host"}, "a Go module could not be fetched"),
        ({"FAKE_FAIL": "write: no space left on device"}, "the disk is full: make room"),
        ({"FAKE_GO": "go1.19.8"}, "is go1.19.8, but the Pulumi CLI needs Go 1.25"),
        ({"FAKE_VERSION": "dev"}, "was built but does not say version 3.250.0"),
    ],
)
def test_a_build_that_can_not_be_says_why_and_what_to_do(
    machine: Machine, environ: dict[str, str], said: str
) -> None:
    done = machine.install(**environ)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not machine.prefix.exists()


def test_a_machine_without_go_and_pulumi_is_told_both_ways_out(machine: Machine) -> None:
    (machine.bin / "go").unlink()
    done = machine.install(PATH=str(machine.bin))
    assert done.returncode == 1
    assert "put Go on PATH" in done.stderr
    assert "or install the official Pulumi CLI" in done.stderr


def test_a_python_without_pulumi_is_refused_before_anything_is_built(machine: Machine) -> None:
    bare = machine.program("python", f'#!/bin/sh\nexec {os.path.realpath(sys.executable)} -S -I "$@"\n')
    done = machine.install("--python", str(bare))
    assert done.returncode == 1
    assert "can't run Pulumi programs" in done.stderr
    assert "pip install" in done.stderr
    assert machine.builds == 0


def test_the_printed_environment_is_what_a_shell_needs(machine: Machine) -> None:
    early = machine.install("--print-env")
    assert early.returncode == 1
    assert "no toolchain is installed" in early.stderr
    machine.install()
    done = machine.install("--print-env")
    lines = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert lines["PATH"] == f"{machine.prefix / 'bin'}:{Path(sys.executable).parent}:$PATH"
    assert lines["PULUMI_HOME"] == str(machine.home)
    assert lines["LIMEN_PYTHON"] == sys.executable
    assert json.loads((machine.prefix / "toolchain.json").read_text())["built"] is True
