"""Since when what goes into a proof is other than what it held with, by the dates of commits."""

from collections.abc import Sequence
from pathlib import Path

from tests.proof import git
from tests.proof.inputs import ROOT


def now(root: Path = ROOT) -> int:
    """Unix time of the commit that is looked at: the same commit is judged alike whenever that is done."""
    return int(git.output(root, "log", "-1", "--format=%ct"))


def is_shallow(root: Path = ROOT) -> bool:
    """Whether the clone's history is cut off, so that nobody can tell when a change was made."""
    return git.output(root, "rev-parse", "--is-shallow-repository").strip() == "true"


def times(paths: Sequence[str], root: Path) -> list[int]:
    """Unix times of the commits that changed one of these, newest first."""
    return [int(time) for time in git.output(root, "log", "--format=%ct", "--", *paths).split()]


def changed_since(paths: Sequence[str], proven: int, root: Path = ROOT) -> int:
    """Unix time of the first commit after `proven` that changed one of these.

    Where there is none the change came with commits that are older and were merged later, or the history is
    cut off: then it counts from `proven`, so that a short history is no excuse.
    """
    if is_shallow(root):
        return proven
    return min((time for time in times(paths, root) if time > proven), default=proven)


def introduced(paths: Sequence[str], root: Path = ROOT) -> int:
    """Unix time since which a proof that never held is to be made: when the last of these files first came.

    What no commit has came now, and so it counts where the history is cut off: nobody can tell.
    """
    if is_shallow(root):
        return now(root)
    first = [times([path], root)[-1:] for path in paths]
    return max((time for found in first for time in found), default=now(root)) if all(first) else now(root)
