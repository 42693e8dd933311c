"""A Pulumi program with claim and admissions only, driven by the real engine."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
PREFIX = REPOSITORY / ".limen" / "toolchain"

# Nobody but the engine and the provider under test: no SDK of ours, no libvirt plugin.
PROGRAM = """
import json

import pulumi

config = pulumi.Config()
uri = config.require("uri")
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
    "QuotaClaim", "claim", {"project": project, "host": "lab", "libvirtUri": uri, "items": items,
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

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
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
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
        self.environ = {
            **clean,
            **environment,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
        }
        for line in printed.splitlines():
            name, value = line.split("=", 1)
            self.environ[name] = value.replace("$PATH", os.environ["PATH"])

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
        for name, value in values.items():
            self.pulumi("config", "set", name, value)

    def output(self, name: str) -> str:
        return self.pulumi("stack", "output", name).strip()

    def resources(self) -> list[dict[str, Any]]:
        state = json.loads(self.pulumi("stack", "export"))["deployment"]
        listed: list[dict[str, Any]] = state.get("resources", [])
        return [each for each in listed if each["type"].startswith("limen:")]
