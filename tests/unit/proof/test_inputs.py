"""A proof is stale when, and only when, something that goes into it has changed."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.proof import inputs

FILES = {
    "roles/api/molecule/default/molecule.yml": "{}\n",
    "roles/api/molecule/default/converge.yml": "- hosts: all\n  roles:\n    - role: postgres\n",
    "roles/api/tasks/main.yml": "- ansible.builtin.import_role:\n    name: wheelhouse\n",
    "roles/postgres/molecule/default/molecule.yml": "{}\n",
    "roles/postgres/tasks/main.yml": "[]\n",
    "roles/agent/molecule/default/molecule.yml": "{}\n",
    "roles/agent/molecule/default/converge.yml": "- include_tasks: ../../../api/tasks/agents.yml\n",
    "roles/wheelhouse/tasks/main.yml": "[]\n",
    "agent/limen/api.py": "\n",
    "tests/lab/guest/tool.py": "from limen.quota import units\nfrom tests.lab import imported\n",
    "tests/lab/imported.py": "\n",
    "tests/lab/other.py": "\n",
    "agent/limen/quota/units.py": "\n",
    **dict.fromkeys(("LICENSE", "README.md", "pulumi/pulumi_limen/a", "pulumi/provider/a"), "\n"),
    **{f"{path}/a": "\n" for path in (".config/molecule", "tests/molecule", "agent/limen/hypervisor/hooks")},
    **dict.fromkeys(("ansible.cfg", "constraints.txt", "pyproject.toml", "requirements.yml"), "\n"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def stale_after(root: Path, path: str, text: str = "# changed\nfrom tests.lab import imported\n") -> set[str]:
    """The roles whose scenario is stale once that file says something else."""
    before = {role: inputs.digest(inputs.of_role(role, root), root) for role in inputs.roles(root)}
    (root / path).write_text(text)
    return {role for role in before if inputs.digest(inputs.of_role(role, root), root) != before[role]}


@pytest.mark.parametrize(
    ("path", "stale"),
    [
        ("roles/postgres/tasks/main.yml", {"postgres", "api", "agent"}),
        ("roles/postgres/tasks/new.yml", {"postgres", "api", "agent"}),
        ("roles/wheelhouse/tasks/main.yml", {"api", "agent"}),
        ("agent/limen/api.py", {"api", "agent"}),
        ("constraints.txt", {"agent", "api", "postgres"}),
        ("tests/lab/guest/tool.py", {"agent", "api", "postgres"}),
        ("tests/lab/imported.py", {"agent", "api", "postgres"}),
        ("tests/lab/other.py", set()),
        (".config/molecule/a", {"agent", "api", "postgres"}),
        ("agent/limen/quota/units.py", {"agent", "api", "postgres"}),
        ("roles/api/README.md", set()),
        ("README.md", set()),
    ],
)
def test_all_that_goes_into_a_scenario_counts_for_it(root: Path, path: str, stale: set[str]) -> None:
    assert stale_after(root, path) == stale


def test_whether_a_file_may_be_run_counts(root: Path) -> None:
    before = inputs.digest(["roles/postgres"], root)
    (root / "roles/postgres/tasks/main.yml").chmod(0o755)
    assert inputs.digest(["roles/postgres"], root) != before


def test_what_git_ignores_is_no_part_of_it(root: Path) -> None:
    (root / ".gitignore").write_text("*.pyc\n")
    assert stale_after(root, "roles/api/tasks/a.pyc") == set()


def test_a_path_that_is_not_there_is_an_error_and_no_empty_proof(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no roles/gone"):
        inputs.digest(["roles/gone"], root)


def test_roles_take_from_outside_only_what_is_listed() -> None:
    """Whoever reaches out of a role has to say so in TAKEN, or its stamp would not cover that."""
    outside = re.compile(r"role_path \| dirname|playbook_dir|\.\./\.\./\.\./\.\.")
    reaching = {
        path.relative_to(inputs.ROOT / "roles").parts[0]
        for path in (inputs.ROOT / "roles").glob("*/*/*.yml")
        if outside.search(path.read_text().replace("playbook_dir ~ '/../.limen/secrets/'", ""))
    }
    assert reaching == set(inputs.TAKEN)


def test_every_real_proof_has_files() -> None:
    for role in inputs.roles():
        assert f"roles/{role}/tasks/main.yml" in inputs.files(inputs.of_role(role))
    assert "playbooks/site.yml" in inputs.files(inputs.SITE)
    assert "agent/limen/agent/entry.py" in inputs.files(inputs.of_role("libvirt_host"))
