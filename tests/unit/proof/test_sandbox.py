"""A proof sees what its digest covers, and nothing else of the tree."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof import inputs, proofs, sandbox
from tests.proof.proofs import Proof

FILES = {
    "agent/limen/__init__.py": "",
    "agent/limen/quota.py": "WHERE = 'copy'\n",
    "tests/lab/guest.py": "from limen import quota\n",
    "roles/api/tasks/main.yml": "[]\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def held(root: Path, paths: list[str], script: str) -> bool:
    """Whether a script in the role's folder of such a copy holds."""
    proof = Proof("p", (sys.executable, "-c", script), "roles/api", (), 1, {"WHAT": "given"})
    with sandbox.copy(root, paths) as made:
        return sandbox.run(proof, made)


def test_inputs_are_there_and_imported_from_the_copy(root: Path) -> None:
    script = "import os, limen.quota as q; assert (os.environ['WHAT'], q.WHERE) == ('given', 'copy')"
    assert held(root, list(FILES), script)


def test_a_file_that_is_no_input_is_not_there(root: Path) -> None:
    script = "open('../../agent/limen/quota.py')"
    assert held(root, list(FILES), script)
    assert not held(root, [path for path in FILES if "quota" not in path], script)


def test_a_package_that_is_no_input_is_not_found_in_the_checkout(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert not held(root, ["roles/api/tasks/main.yml"], "import limen.quota.units")
    assert "limen does not go into this proof" in capfd.readouterr().err
    assert not held(root, list(FILES), "import pulumi_limen")


def test_nothing_is_left_of_the_copy(root: Path) -> None:
    with sandbox.copy(root, list(FILES)) as made:
        assert (made / "roles/api/tasks/main.yml").exists()
    assert not made.parent.exists()


def test_every_package_that_is_installed_for_editing_is_known() -> None:
    pyproject = (inputs.ROOT / "pyproject.toml").read_text()
    (line,) = [line for line in pyproject.splitlines() if line.startswith("root_packages = ")]
    assert {*re.findall(r'"(\w+)"', line), "tests"} == set(sandbox.PACKAGES)


# The first has what all scenarios have, and nothing else.
@pytest.mark.parametrize("name", ["molecule/packages/container/bookworm", "site/container/bookworm"])
def test_what_every_proof_begins_with_is_there(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Cheaper than the proof: the lab's command and what tests of scenarios import."""
    (proof,) = [each for each in proofs.known() if each.name == name]
    script = "import tests.lab.guest.__main__, tests.lab.libvirtd"
    script += "; import tests.site.__main__" if proof.folder == "." else "; import tests.molecule.https"
    script += "; assert tests.lab.libvirtd.FORWARDS_HOOK.exists()"
    with sandbox.copy(inputs.ROOT, inputs.files(proof.paths)) as made:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=made / proof.folder,
            env=sandbox.environment(made),
            check=False,
        )
    assert done.returncode == 0, capfd.readouterr().err
