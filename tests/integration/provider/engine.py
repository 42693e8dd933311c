"""A Pulumi program with claim and admissions only, driven by the real engine."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
PREFIX = REPOSITORY / ".limen" / "toolchain"

# Nobody but the engine and the provider under test: no SDK of ours, no libvirt plugin.
PROGRAM = """
import json

import pulumi

config = pulumi.Config()
uri, host = config.require("uri"), config.require("host")
project = config.get("project") or "demo"
vms = json.loads(config.get("vms") or '{"web-1": "1GiB"}')
items = {
    f"vm:{name}": {"kind": "vm", "name": name, "amounts": {"vms": "1", "vcpus": "1", "memory": memory}}
    for name, memory in vms.items()
}


class Resource(pulumi.CustomResource):
    def __init__(self, kind, name, inputs, outputs, **options):
        opts = pulumi.ResourceOptions(version="0.1.0", **options)
        super().__init__(f"limen:index:{kind}", name, {**dict.fromkeys(outputs), **inputs}, opts)
        self.outputs = outputs


claim = Resource(
    "QuotaClaim", "claim", {"project": project, "host": host, "libvirtUri": uri, "items": items,
    "owner": {"kind": "stack", "name": "tiny/dev"},
    "fingerprint": {"backend": "file", "project": "tiny", "stack": pulumi.get_stack()}},
    ["claimId", "hostUuid", "generation", "charge"],
)
for name in vms:
    key = f"vm:{name}"
    admission = Resource(
        "Admission", name, {"claimId": claim.claimId, "project": project, "owner": "tiny/dev", "key": key,
        "kind": "vm", "libvirtUri": uri, "hostUuid": claim.hostUuid, "amounts": items[key]["amounts"]},
        ["uuid", "vcpus", "memory", "disk", "fence", "state"], depends_on=[claim],
    )
    pulumi.export(f"{name}-uuid", admission.uuid)
    pulumi.export(f"{name}-memory", admission.memory)
pulumi.export("claim", claim.claimId)
"""


class Stack:
    """The program in a folder of its own, with a file backend of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str], name: str = "dev") -> None:
        self.name = name
        self.project = folder / "tiny"
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text("name: tiny\nruntime: python\n")
        (self.project / "__main__.py").write_text(PROGRAM)
        self.state = folder / "state"
        self.state.mkdir()
        (folder / "passphrase").write_text("not a secret\n")
        printed = subprocess.check_output(
            ["python3", "pulumi/toolchain/install.py", "--prefix", PREFIX, "--print-env"],
            text=True,
            cwd=REPOSITORY,
        )
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
        self.environ = {
            **clean,
            **environment,
            "PULUMI_BACKEND_URL": f"file://{self.state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
        }
        for line in printed.splitlines():
            variable, value = line.split("=", 1)
            self.environ[variable] = value.replace("$PATH", os.environ["PATH"])
        self.pulumi("stack", "init", self.name)

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color=never", *args],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *args: str, fails: bool = False) -> str:
        """Run the CLI and return all that it said."""
        with self.start(*args) as process:
            said, _ = process.communicate(timeout=120)
        assert (process.returncode != 0) == fails, said
        return said

    def configure(self, **values: str) -> None:
        """Set configuration as `pulumi config set` does, which takes a second a value."""
        file = self.project / f"Pulumi.{self.name}.yaml"
        document = yaml.safe_load(file.read_text()) if file.exists() else {}
        document.setdefault("config", {}).update({f"tiny:{name}": value for name, value in values.items()})
        file.write_text(yaml.safe_dump(document))

    def output(self, name: str) -> Any:
        """A stack output, from the state."""
        (stack,) = (each for each in self._state() if each["type"] == "pulumi:pulumi:Stack")
        return stack["outputs"][name]

    def resources(self) -> list[dict[str, Any]]:
        """Our own resources in the state."""
        return [each for each in self._state() if each["type"].startswith("limen:")]

    def _state(self) -> list[dict[str, Any]]:
        file = self.state / ".pulumi" / "stacks" / "tiny" / f"{self.name}.json"
        listed: list[dict[str, Any]] = json.loads(file.read_text())["checkpoint"]["latest"].get(
            "resources", []
        )
        return listed
