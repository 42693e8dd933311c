"""Since when a proof is stale, in checkouts with histories of their own."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.proof import history


class Checkout:
    """A repository whose commits are made at the times that the test says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main", str(root))

    def git(self, *arguments: str, at: int = 0) -> None:
        who = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        when = {f"GIT_{role}_DATE": f"@{at} +0000" for role in ("AUTHOR", "COMMITTER")}
        subprocess.run(
            ["git", "-c", "protocol.file.allow=always", *arguments],
            cwd=self.root,
            env={**os.environ, **who, **when},
            check=True,
            capture_output=True,
        )

    def commit(self, path: str, at: int) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(f"{at}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=change", at=at)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "checkout").mkdir()
    made = Checkout(tmp_path / "checkout")
    for path, at in (("roles/api/a", 1_000_000), ("roles/api/b", 1_000_200), ("other", 1_000_300)):
        made.commit(path, at)
    return made


def test_the_first_change_after_the_proof_counts(checkout: Checkout) -> None:
    checkout.commit("roles/api/a", 1_000_400)
    assert history.changed_since(["roles/api"], 1_000_100, checkout.root) == 1_000_200
    assert history.changed_since(["roles/api"], 1_000_250, checkout.root) == 1_000_400
    assert history.now(checkout.root) == 1_000_400


def test_an_older_commit_that_was_merged_later_is_no_way_out(checkout: Checkout) -> None:
    """The proof is stale, or nobody would ask: that no commit is younger than it excuses nothing."""
    assert history.changed_since(["roles/api"], 1_000_250, checkout.root) == 1_000_250


def test_a_cut_history_is_no_excuse(checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit("roles/api/a", 1_000_400)
    shallow = tmp_path / "shallow"
    checkout.git("clone", "--quiet", "--depth=1", f"file://{checkout.root}", str(shallow))
    assert history.is_shallow(shallow)
    assert history.changed_since(["roles/api"], 1_000_250, shallow) == 1_000_250
    assert history.introduced(["roles/api/a"], shallow) == 1_000_400


def test_a_proof_that_never_held_counts_from_its_introduction(checkout: Checkout) -> None:
    checkout.commit("roles/api/a", 1_000_400)
    assert history.introduced(["roles/api/a"], checkout.root) == 1_000_000
    assert history.introduced(["roles/api/a", "roles/api/b"], checkout.root) == 1_000_200
    (checkout.root / "roles/api/new").write_text("not committed yet\n")
    assert history.introduced(["roles/api/a", "roles/api/new"], checkout.root) == 1_000_400
