"""When what goes into a proof changed, by Git's log."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.proof.inputs import ROOT


def git(*arguments: str, root: Path = ROOT) -> str:
    """Output of a Git command."""
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout


def now(root: Path = ROOT) -> int:
    """Unix time of the commit that is looked at."""
    return int(git("log", "-1", "--format=%ct", root=root))


def is_shallow(root: Path = ROOT) -> bool:
    """Whether the clone's history is cut off: nobody can tell then how old a change is."""
    return git("rev-parse", "--is-shallow-repository", root=root).strip() == "true"


def first_change(paths: Sequence[str], since: int, root: Path = ROOT) -> int | None:
    """Unix time of the first commit after `since` that changed one of these; None where there is none."""
    times = git("log", "--format=%ct", "--", *paths, root=root).split()
    later = [int(time) for time in times if int(time) > since]
    return min(later, default=None)


def introduced(path: Path, root: Path = ROOT) -> int:
    """Unix time of the first commit that has this file; of HEAD where it is in none."""
    times = git("log", "--format=%ct", "--", str(path), root=root).split()
    return int(times[-1]) if times else now(root)
