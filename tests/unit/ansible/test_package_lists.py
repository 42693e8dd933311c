"""Roles and playbooks believe no age of package lists: a fresh image has empty ones that are new."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(
    path
    for folder in ("roles", "playbooks", "tests/molecule", "collections")
    for path in (ROOT / folder).rglob("*.yml")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_asks_how_old_the_lists_are(path: Path) -> None:
    assert "cache_valid_time" not in path.read_text()


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "roles").glob("*/tasks/*.yml")),
    ids=lambda path: str(path.relative_to(ROOT / "roles")),
)
def test_roles_install_packages_with_the_role_that_sees_to_the_lists(path: Path) -> None:
    if path.parts[-3] == "packages":
        return
    tasks = yaml.safe_load(path.read_text()) or []
    assert not [task for task in tasks if "ansible.builtin.apt" in task]
