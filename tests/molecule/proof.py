"""Which roles passed their scenario as they are now: the record that `.ci/run` goes by."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = Path(__file__).with_name("proven.json")
# Not part of what a scenario proves: pages and what molecule leaves behind.
IGNORED = {"README.md", "__pycache__", ".cache", ".ansible", ".limen", ".pytest_cache"}


def roles(root: Path = ROOT) -> list[str]:
    """Names of the roles that have a scenario, in order."""
    return sorted(path.parents[2].name for path in root.glob("roles/*/molecule/default/molecule.yml"))


def files(folder: Path) -> Iterable[Path]:
    """What of a role counts, in order."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not IGNORED & set(path.relative_to(folder).parts):
            yield path


def digest(role: str, root: Path = ROOT) -> str:
    """SHA-256 over the role's files, their names and the scenarios' common configuration."""
    folder = root / "roles" / role
    total = hashlib.sha256((root / ".config" / "molecule" / "config.yml").read_bytes())
    for path in files(folder):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder)} {content}\n".encode())
    return total.hexdigest()


def proven(record: Path = RECORD) -> Mapping[str, str]:
    """Role -> the digest with which its scenario last passed."""
    known: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    return known


def changed(root: Path = ROOT, record: Path = RECORD) -> list[str]:
    """The roles whose scenario has not passed since they were changed."""
    known = proven(record)
    return [role for role in roles(root) if known.get(role) != digest(role, root)]


def note(role: str, passed: str, root: Path = ROOT, record: Path = RECORD) -> None:
    """Remember that the scenario passed with the digest `passed`, and forget roles that are gone."""
    known = {name: value for name, value in proven(record).items() if name in roles(root)}
    record.write_text(json.dumps({**known, role: passed}, indent=2, sort_keys=True) + "\n")
