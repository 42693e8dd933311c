"""The installed toolchain with the real engine, cut off from every network."""

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pulumi_libvirt
import pytest
from pulumi._types import input_type_py_to_pulumi_names, resource_py_to_pulumi_names
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

REPOSITORY = Path(__file__).resolve().parents[2]
PREFIX = REPOSITORY / ".limen" / "toolchain"
RECORD = PREFIX / "toolchain.json"

pytestmark = pytest.mark.skipif(
    not RECORD.exists(), reason=f"no toolchain is installed in {PREFIX}: run `make toolchain`"
)

PROGRAM = """
import pulumi

class Thing(pulumi.ComponentResource):
    def __init__(self, name, size):
        super().__init__("test:index:Thing", name)
        self.size = pulumi.Output.from_input(size)
        self.register_outputs({"size": self.size})

config = pulumi.Config()
thing = Thing("one", config.get_int("size") or 1)
print("the program speaks")
pulumi.export("size", thing.size)
pulumi.export("password", config.get_secret("password"))
"""


class Stack:
    """A project with its own backend; the CLI runs without any network but loopback, if that can be had."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "tiny"
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
        (self.project / "__main__.py").write_text(PROGRAM)
        (folder / "state").mkdir()
        (folder / "passphrase").write_text("not a secret\n")
        printed = subprocess.check_output(
            ["python3", "pulumi/toolchain/install.py", "--prefix", PREFIX, "--print-env"],
            text=True,
            cwd=REPOSITORY,
        )
        self.environ = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
        }
        for line in printed.splitlines():
            name, value = line.split("=", 1)
            self.environ[name] = value.replace("$PATH", os.environ["PATH"])
        self.offline: list[str] = []
        if os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip"):
            self.offline = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]

    def pulumi(self, *args: str, code: int = 0) -> str:
        """Run the CLI and return all that it said; its exit code has to be `code`."""
        done = subprocess.run(
            [*self.offline, "pulumi", "--non-interactive", "--color=never", *args],
            cwd=self.project, env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        assert "warning" not in done.stdout.lower(), done.stdout
        return done.stdout


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A fresh stack named dev."""
    made = Stack(tmp_path)
    made.pulumi("stack", "init", "dev")
    return made


def test_the_version_is_the_one_that_is_pinned(stack: Stack) -> None:
    record = json.loads(RECORD.read_text())
    assert stack.pulumi("version").strip() == f"v{record['cli']}"


def test_a_stack_lives_through_every_command(stack: Stack) -> None:
    stack.pulumi("config", "set", "--secret", "password", "hunter2")
    assert "2 to create" in re.sub(r"\s+", " ", stack.pulumi("preview"))
    up = stack.pulumi("up", "--yes", "--skip-preview")
    assert "the program speaks" in up
    assert "hunter2" not in up
    assert stack.pulumi("stack", "output", "size").strip() == "1"

    exported = json.loads(stack.pulumi("stack", "export"))["deployment"]["resources"]
    assert [item["type"] for item in exported] == ["pulumi:pulumi:Stack", "test:index:Thing"]
    assert "hunter2" not in json.dumps(exported)

    stack.pulumi("config", "set", "size", "2")
    stack.pulumi("up", "--yes", "--skip-preview", "--target", exported[1]["urn"])
    stack.pulumi("refresh", "--yes", "--skip-preview")
    stack.pulumi("up", "--yes", "--skip-preview")
    assert stack.pulumi("stack", "output", "size").strip() == "2"
    assert stack.pulumi("stack", "output", "--show-secrets", "password").strip() == "hunter2"

    assert "2 deleted" in re.sub(r"\s+", " ", stack.pulumi("destroy", "--yes", "--skip-preview"))
    stack.pulumi("stack", "rm", "--yes")


def test_about_knows_language_and_plugins(stack: Stack) -> None:
    about = json.loads(stack.pulumi("about", "--json"))
    assert about["runtime"]["language"] == "python"
    named = {(item["name"], item["version"]) for item in about["plugins"]}
    assert ("libvirt", "0.5.4") in named
    assert "pulumi_libvirt" in {item["name"] for item in about["dependencies"]}


def test_a_failing_program_fails_the_preview_with_its_traceback(stack: Stack) -> None:
    (stack.project / "__main__.py").write_text("def deep():\n    raise ValueError('no luck')\n\ndeep()\n")
    said = stack.pulumi("preview", code=1)
    assert '__main__.py", line 2, in deep' in said
    assert "ValueError: no luck" in said
    assert "runpy" not in said


@contextlib.contextmanager
def libvirt_plugin() -> Iterator[Any]:
    """The installed plugin, started as the engine does."""
    home = Path(json.loads(RECORD.read_text())["pulumi_home"])
    binary = home / "plugins" / "resource-libvirt-v0.5.4" / "pulumi-resource-libvirt"
    with subprocess.Popen([binary], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def schema() -> Any:
    """What the libvirt plugin says it serves."""
    with libvirt_plugin() as stub:
        return json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest(), timeout=60).schema)


@pytest.mark.parametrize(
    "name", ["CloudInitDisk", "Combustion", "Domain", "Ignition", "Network", "Pool", "Volume"]
)
def test_the_libvirt_plugin_serves_the_sdks_resource(schema: Any, name: str) -> None:
    resource = schema["resources"][f"libvirt:index/{name[0].lower()}{name[1:]}:{name}"]
    inputs = input_type_py_to_pulumi_names(getattr(pulumi_libvirt, f"{name}Args"))
    assert set(inputs.values()) == set(resource["inputProperties"])
    outputs = resource_py_to_pulumi_names(getattr(pulumi_libvirt, name))
    assert set(outputs.values()) == set(resource["properties"])


def test_the_libvirt_plugin_serves_the_sdks_nested_types_and_configuration(schema: Any) -> None:
    for token, served in schema["types"].items():
        name = token.rpartition(":")[2]
        if hasattr(pulumi_libvirt, f"{name}Args"):
            names = input_type_py_to_pulumi_names(getattr(pulumi_libvirt, f"{name}Args"))
            assert set(names.values()) <= set(served["properties"]), name
    assert list(schema["config"]["variables"]) == ["uri"]
    assert schema["provider"]["inputProperties"]["uri"]["defaultInfo"]["environment"] == [
        "LIBVIRT_DEFAULT_URI"
    ]
    tokens = {token.rpartition(":")[2] for token in schema["functions"]}
    assert {"getNodeInfo", "getNodeDevices", "getNodeDeviceInfo"} < tokens
