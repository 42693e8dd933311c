"""Run the scenarios of roles on a VM of the lab, one after the other, and remember which passed."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.molecule import proof

BIN = Path(sys.executable).parent
STARTED = time.monotonic()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.molecule", description=__doc__)
    top.add_argument("roles", nargs="*", metavar="ROLE", help="roles to run (default: all)")
    top.add_argument(
        "--changed", action="store_true", help="only roles changed since their scenario last passed"
    )
    top.add_argument(
        "--within",
        type=int,
        metavar="SECONDS",
        help="begin no scenario after this time, and say which were left",
    )
    top.add_argument("--list", action="store_true", help="print the roles that would run, and end")
    return top


def chosen(arguments: argparse.Namespace) -> list[str]:
    """The roles to run; raises ValueError for one that has no scenario."""
    known = proof.roles()
    if unknown := sorted(set(arguments.roles) - set(known)):
        raise ValueError(f"no scenario for {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = arguments.roles or known
    return [role for role in wanted if role in proof.changed()] if arguments.changed else wanted


def run(role: str) -> bool:
    """One scenario with its output shown; whether it passed."""
    before = proof.digest(role)
    started = time.monotonic()
    print(f"\n== molecule: role {role}", flush=True)
    code = subprocess.run(
        [str(BIN / "molecule"), "test"],
        cwd=proof.ROOT / "roles" / role,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
    print(f"== role {role}: {'passed' if code == 0 else 'FAILED'} in {time.monotonic() - started:.0f} s")
    if code == 0:
        proof.note(role, before)
    return code == 0


def main() -> int:
    """Exit code 0 when every scenario passed, 1 when one failed, 2 for a role that has none."""
    arguments = parser().parse_args()
    try:
        roles = chosen(arguments)
    except ValueError as error:
        print(f"molecule: {error}", file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(roles))
        return 0
    if not roles:
        print("molecule: no role has changed since its scenario last passed")
        return 0
    failed, left = [], []
    for role in roles:
        if arguments.within is not None and time.monotonic() - STARTED > arguments.within:
            left.append(role)
        elif not run(role):
            # The others are tried as well: the second failure is worth as much as the first.
            failed.append(role)
    if left:
        print(f"molecule: no time for {', '.join(left)}: `make molecule ARGS=--changed` runs them")
    if failed:
        print(f"molecule: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
