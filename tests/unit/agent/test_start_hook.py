"""What the start hook lets pass, as libvirt runs it: a process, arguments, XML on standard input."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

MIB = 2**20
UUID = str(uuid4())
OTHERS = [
    "start",
    "started",
    "stopped",
    "release",
    "migrate",
    "restore",
    "reconnect",
    "attach",
    "new in 2030",
]


def domain(name: str = "web", memory: str = "64", vcpus: str = "<vcpu>2</vcpu>", uuid: str = UUID) -> str:
    return (
        f"<domain type='kvm' id='1'><name>{name}</name><uuid>{uuid}</uuid>"
        f"<memory unit='MiB'>{memory}</memory>{vcpus}</domain>"
    )


class Hook:
    """The hook with its files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: dict[str, str] = {"state_dir": str(folder)}

    def admit(self, **amounts: int) -> None:
        admitted = {"vms": "1", "vcpus": "2", "memory": str(64 * MIB)}
        admitted |= {name: str(amount) for name, amount in amounts.items()}
        known = {"uuid": UUID, "name": "web", "project": "demo", "amounts": admitted}
        self.write({"host": str(uuid4()), "name": "host-1", "domains": [known]})

    def write(self, answer: Any) -> None:
        (self.folder / "admitted.json").write_text(json.dumps(answer))

    def run(
        self, xml: str, operation: str = "prepare", name: str = "web"
    ) -> subprocess.CompletedProcess[str]:
        config = self.folder / "agent.toml"
        config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in self.config.items()))
        return subprocess.run(
            [sys.executable, "-m", "limen.agent.entry", "hook", "web", operation, "begin", "-"],
            env={"LIMEN_AGENT_CONFIG": str(config), "PATH": os.environ["PATH"]},
            input=xml,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def reason(self, xml: str) -> str:
        """Why it is refused; nothing if it passes."""
        done = self.run(xml)
        assert done.stdout == "", "libvirt would take it for XML"
        assert (done.returncode == 0) == (done.stderr == ""), done.stderr
        return done.stderr


@pytest.fixture
def hook(tmp_path: Path) -> Hook:
    return Hook(tmp_path)


def test_who_was_admitted_at_this_size_starts(hook: Hook) -> None:
    hook.admit()
    assert hook.reason(domain()) == ""
    assert hook.reason(domain(memory="32", vcpus="<vcpu current='1'>8</vcpu>")) == ""


def test_who_was_not_admitted_does_not_start(hook: Hook) -> None:
    hook.admit()
    other = str(uuid4())
    said = hook.reason(domain(uuid=other))
    assert f"limen: domain 'web' ({other}) was not admitted on this host" in said
    assert f"`limen adopt {other} --project PROJECT`" in said


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (domain(memory="65"), "65MiB memory instead of 64MiB"),
        (domain(vcpus="<vcpu>3</vcpu>"), "3 vcpus instead of 2"),
        (domain(vcpus="<vcpu current='3'>8</vcpu>"), "3 vcpus instead of 2"),
    ],
)
def test_who_was_admitted_smaller_does_not_start(hook: Hook, xml: str, said: str) -> None:
    hook.admit()
    assert said in hook.reason(xml)


@pytest.mark.parametrize("operation", OTHERS)
def test_every_other_operation_passes_whatever_there_is(hook: Hook, operation: str) -> None:
    done = hook.run("no XML at all", operation)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "answer", [None, [], {"host": "h"}, {"host": "h", "name": "n", "domains": [{}]}], ids=str
)
def test_without_a_copy_nothing_starts_and_the_reason_says_so(hook: Hook, answer: Any) -> None:
    if answer is not None:
        hook.write(answer)
    said = hook.reason(domain())
    assert "was not admitted" in said
    assert "admitted.json" in said


@pytest.mark.parametrize("xml", ["", "<domain/>", "no XML", domain(memory="much")])
def test_what_can_not_be_judged_does_not_start(hook: Hook, xml: str) -> None:
    hook.admit()
    assert hook.reason(xml) != ""


def test_a_configuration_that_is_named_and_missing_refuses(hook: Hook) -> None:
    hook.admit()
    done = subprocess.run(
        [sys.executable, "-m", "limen.agent.entry", "hook", "web", "prepare", "begin", "-"],
        env={"LIMEN_AGENT_CONFIG": str(hook.folder / "nowhere.toml")},
        input=domain(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "nowhere.toml" in done.stderr


def test_names_can_not_write_to_a_terminal_or_a_second_line(hook: Hook) -> None:
    hook.admit()
    said = hook.reason(domain(name="a&#10;limen: all is well \N{ROCKET}", uuid=str(uuid4())))
    assert said.count("\n") == 1
    assert said.isascii()


def test_an_api_that_refuses_connections_leaves_what_is_known(hook: Hook) -> None:
    hook.admit()
    token = hook.folder / "token"
    token.write_text("limen_x")
    hook.config |= {"api_url": "http://127.0.0.1:9", "api_token_file": str(token)}
    assert hook.reason(domain()) == ""
    said = hook.reason(domain(uuid=str(uuid4())))
    assert "was not admitted" in said
    assert "http://127.0.0.1:9 does not answer" in said


def test_nothing_heavy_is_loaded(hook: Hook) -> None:
    hook.admit()
    script = (
        "import sys; from limen.agent.hook.main import main; main(['web', 'prepare', 'begin', '-']);"
        "heavy = {'argparse', 'libvirt', 'httpx', 'asyncio', 'ssl', 'logging', 'http.client', 'psutil'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"LIMEN_AGENT_CONFIG": str(hook.folder / "agent.toml"), "PATH": os.environ["PATH"]},
        input=domain(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
