"""All proofs that cost guests: scenarios of roles and site.yml, by kind of machine and Debian."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.image import SUITES
from tests.proof import inputs

BIN = Path(sys.executable).parent
SCENARIO = "molecule/default"
# On emulated VMs one Debian is proven: what differs between the two does not lie in the kernel.
VM_SUITE = SUITES[0]


@dataclass(frozen=True)
class Proof:
    """A command that exits with 0 when what it proves holds."""

    name: str
    argv: tuple[str, ...]
    # Where it runs, from the root of the tree; what goes into it.
    folder: str
    paths: tuple[str, ...]
    # Seconds on two quiet cores, where nobody has measured it yet.
    guess: int
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> tuple[str, ...]:
        """The files with which this proof came to be."""
        scenario = f"{self.folder}/{SCENARIO}"
        if self.folder == ".":
            return ("tests/site/__main__.py",)
        return (f"{scenario}/converge.yml", *((f"{scenario}/kernel.txt",) if "/vm/" in self.name else ()))


def kernel_reason(role: str, root: Path = inputs.ROOT) -> str:
    """Why the role's scenario has parts that need a kernel of its own; empty where it has none."""
    path = root / "roles" / role / SCENARIO / "kernel.txt"
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def scenario(role: str, kind: str, suite: str) -> Proof:
    """The scenario of a role on such a machine."""
    return Proof(
        name=f"molecule/{role}/{kind}/{suite}",
        argv=(str(BIN / "molecule"), "--base-config", "../../.config/molecule/config.yml", "test"),
        folder=f"roles/{role}",
        paths=inputs.of_role(role),
        guess=240 if kind == "container" else 900,
        env={
            "LIMEN_GUEST_KIND": kind,
            "LIMEN_GUEST_SUITE": suite,
        },
    )


def site(kind: str, suite: str) -> Proof:
    """site.yml on two such machines."""
    return Proof(
        name=f"site/{kind}/{suite}",
        argv=(sys.executable, "-m", "tests.site", "--kind", kind, "--suite", suite),
        folder=".",
        paths=inputs.SITE,
        guess=600 if kind == "container" else 3600,
    )


def known() -> list[Proof]:
    """Every proof, containers first."""
    names = inputs.roles()
    containers = [scenario(role, "container", suite) for role in names for suite in SUITES]
    vms = [scenario(role, "vm", VM_SUITE) for role in names if kernel_reason(role)]
    return [*(site("container", suite) for suite in SUITES), *containers, *vms, site("vm", VM_SUITE)]
