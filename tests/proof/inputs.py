"""What goes into a proof: the files whose change makes it stale. Better one too many than one too few."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from tests.proof import git, imports

ROOT = Path(__file__).resolve().parents[2]
# Whatever is proven on a guest: the guest, how it is reached, with which versions, and the hook that the
# lab's libvirtd runs. What these import goes in as well.
COMMON = (
    *("ansible.cfg", "constraints.txt", "pyproject.toml", "requirements.yml", "tests/lab/guest"),
    "agent/limen/hypervisor/hooks",
)
SCENARIO = (*COMMON, ".config/molecule", "tests/molecule")
# What roles take from outside of themselves, by the role that does it.
TAKEN = {
    "libvirt_host": ("agent/limen/hypervisor/hooks",),
    "pulumi": ("pulumi/toolchain", "pulumi/policy"),
    "wheelhouse": ("LICENSE", "README.md", "agent", "pulumi/pulumi_limen", "pulumi/provider"),
}
SITE = (
    *COMMON,
    *("LICENSE", "README.md", "agent", "collections", "inventories", "playbooks", "pulumi", "roles"),
    *("tests/e2e", "tests/site", "tests/faults/provision.py"),
)
# Pages prove nothing: they go along, since a wheel holds one, but another text makes no proof stale.
PAGES = re.compile(r"(^|/)[A-Z]+\.md$")


def roles(root: Path = ROOT) -> list[str]:
    """Names of the roles that have a scenario, in order."""
    return sorted(path.parents[2].name for path in root.glob("roles/*/molecule/default/molecule.yml"))


def references(role: str, root: Path = ROOT) -> set[str]:
    """The roles that a role's files name as one to use, its scenario included."""
    known = {path.name for path in root.glob("roles/*") if path.is_dir()} - {role}
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted((root / "roles" / role).rglob("*"))
        if path.suffix in {".yml", ".py"}
    )
    return {other for other in known if re.search(rf"\b(?:role|name): {other}\s*$|\.\./{other}/", text, re.M)}


def with_references(role: str, root: Path = ROOT) -> set[str]:
    """The role and all that it uses, directly or not."""
    found: set[str] = set()
    ahead = {role}
    while ahead:
        one = ahead.pop()
        found.add(one)
        ahead |= references(one, root) - found
    return found


def of_role(role: str, root: Path = ROOT) -> tuple[str, ...]:
    """Paths that go into a role's scenario."""
    used = sorted(with_references(role, root))
    taken = [path for one in used for path in TAKEN.get(one, ())]
    return (*SCENARIO, *(f"roles/{one}" for one in used), *taken)


def files(paths: Iterable[str], root: Path = ROOT) -> list[str]:
    """The files below these paths, as Git has them or would take them, and what they import, in order.

    Raises FileNotFoundError for a path that is not there: what is named wrongly would prove nothing.
    """
    wanted = sorted(set(paths))
    if missing := [path for path in wanted if not (root / path).exists()]:
        raise FileNotFoundError(f"no {missing[0]}, which a proof depends on")
    listed = git.output(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *wanted
    ).split("\0")
    found = {path for path in listed if path and (root / path).is_file()}
    return sorted(found | imports.closure(found, root))


def digest_of(files: Iterable[str], root: Path = ROOT) -> str:
    """SHA-256 in hex over the files that are no pages: name, content, whether it may be run."""
    total = hashlib.sha256()
    for path in files:
        if not PAGES.search(path):
            runs = "x" if (root / path).stat().st_mode & 0o100 else "-"
            content = hashlib.sha256((root / path).read_bytes()).hexdigest()
            total.update(f"{runs} {path} {content}\n".encode())
    return total.hexdigest()


def digest(paths: Iterable[str], root: Path = ROOT) -> str:
    """The same over the files below these paths."""
    return digest_of(files(paths, root), root)
