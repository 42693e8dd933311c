"""Whether a run left the checkout as it found it: `python -m tests.ci.status --as-before TEXT`."""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def porcelain(root: Path = ROOT) -> str:
    """What `git status --porcelain` says; raises CalledProcessError."""
    argv = ["git", "-c", f"safe.directory={root}", "status", "--porcelain"]
    return subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Exit code 0 if it says the same, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.ci.status", description=__doc__)
    parser.add_argument("--as-before", required=True, help="what it said then")
    before, now = parser.parse_args().as_before, porcelain()
    print(now or "nothing is changed, nothing is new", flush=True)
    if now != before:
        print(f"before the run it was:\n{before or 'nothing'}", file=sys.stderr)
    return 0 if now == before else 1


if __name__ == "__main__":
    sys.exit(main())
