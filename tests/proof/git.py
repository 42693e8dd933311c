"""What Git knows of a checkout."""

import subprocess
from pathlib import Path


def output(root: Path, *arguments: str) -> str:
    """What a Git command prints, whoever owns the checkout; raises CalledProcessError."""
    argv = ["git", "-c", f"safe.directory={root}", "-C", str(root), *arguments]
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
