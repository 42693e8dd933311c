"""A role's scenario runs again when, and only when, something that it proves has changed."""

from pathlib import Path

import pytest

from tests.molecule import proof


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".config" / "molecule").mkdir(parents=True)
    (tmp_path / ".config" / "molecule" / "config.yml").write_text("driver: {name: default}\n")
    for role in ("api", "postgres"):
        scenario = tmp_path / "roles" / role / "molecule" / "default"
        scenario.mkdir(parents=True)
        (scenario / "molecule.yml").write_text("{}\n")
        (tmp_path / "roles" / role / "tasks").mkdir()
        (tmp_path / "roles" / role / "tasks" / "main.yml").write_text("[]\n")
    return tmp_path


def test_a_role_that_never_passed_runs(root: Path) -> None:
    assert proof.changed(root, root / "proven.json") == ["api", "postgres"]


def test_a_role_that_passed_as_it_is_does_not_run_again(root: Path) -> None:
    record = root / "proven.json"
    proof.note("api", proof.digest("api", root), root, record)
    assert proof.changed(root, record) == ["postgres"]


@pytest.mark.parametrize("path", ["roles/api/tasks/main.yml", "roles/api/tasks/new.yml"])
def test_a_changed_or_new_file_runs_that_role_alone(root: Path, path: str) -> None:
    record = root / "proven.json"
    for role in ("api", "postgres"):
        proof.note(role, proof.digest(role, root), root, record)
    (root / path).write_text("[{}]\n")
    assert proof.changed(root, record) == ["api"]


def test_a_renamed_file_runs_the_role(root: Path) -> None:
    record = root / "proven.json"
    proof.note("api", proof.digest("api", root), root, record)
    (root / "roles" / "api" / "tasks" / "main.yml").rename(root / "roles" / "api" / "tasks" / "other.yml")
    assert "api" in proof.changed(root, record)


def test_the_common_configuration_runs_all(root: Path) -> None:
    record = root / "proven.json"
    for role in ("api", "postgres"):
        proof.note(role, proof.digest(role, root), root, record)
    (root / ".config" / "molecule" / "config.yml").write_text("driver: {name: other}\n")
    assert proof.changed(root, record) == ["api", "postgres"]


def test_a_page_proves_nothing_and_a_role_that_is_gone_is_forgotten(root: Path) -> None:
    record = root / "proven.json"
    for role in ("api", "postgres"):
        proof.note(role, proof.digest(role, root), root, record)
    (root / "roles" / "api" / "README.md").write_text("# api\n")
    assert proof.changed(root, record) == []
    (root / "roles" / "postgres" / "molecule" / "default" / "molecule.yml").unlink()
    proof.note("api", proof.digest("api", root), root, record)
    assert set(proof.proven(record)) == {"api"}
