"""Run what is proven on guests, and remember what held: scenarios of roles and site.yml, on both Debians."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.proof import history, inputs, record
from tests.proof.plan import Candidate, Plan, choose, overdue
from tests.proof.proofs import BIN, Proof, kernel_reason, known
from tests.proof.record import Stamp


def say(line: str) -> None:
    """Print one line of this command's own."""
    print(f"proof: {line}", flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    top.add_argument("names", nargs="*", metavar="PROOF", help="names, or beginnings of them (default: all)")
    top.add_argument("--stale", action="store_true", help="only those whose inputs changed since they held")
    top.add_argument(
        "--within",
        type=float,
        metavar="SECONDS",
        help="those that fit into this time, oldest first; says what is left out, "
        "and fails where that has been stale for more than a day of commits",
    )
    top.add_argument("--renew", action="store_true", help=f"write the stamps into {record.TRACKED.name}")
    top.add_argument("--list", action="store_true", help="print which proofs there are and which hold")
    return top


def chosen(names: list[str]) -> list[Proof]:
    """The proofs of these names; raises ValueError for one that begins none."""
    proofs = known()
    for name in names:
        if not any(proof.name.startswith(name) for proof in proofs):
            raise ValueError(f"no proof begins with {name}: --list names them")
    return [proof for proof in proofs if not names or proof.name.startswith(tuple(names))]


def run(proof: Proof) -> Stamp | None:
    """Run one with its output shown; its stamp, or None where it does not hold."""
    before = inputs.digest(proof.paths)
    started = time.monotonic()
    print(f"\n== proof {proof.name}", flush=True)
    # Images of Python tell it to keep no bytecode: Ansible would compile itself anew at each start.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    code = subprocess.run(
        proof.argv,
        cwd=proof.folder,
        env={**env, "PATH": f"{BIN}:{env['PATH']}", **proof.env},
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
    seconds = round(time.monotonic() - started)
    say(f"{proof.name} {'holds' if code == 0 else 'DOES NOT HOLD'}: {seconds} s")
    return Stamp(before, round(time.time()), seconds) if code == 0 else None


def remember(path: Path, name: str, stamp: Stamp) -> None:
    """Put one stamp into that record; those of proofs that are gone go."""
    names = {proof.name for proof in known()}
    kept = {name: old for name, old in record.read(path).items() if name in names}
    record.write(path, {**kept, name: stamp})


def late(left: list[Proof], stamps: dict[str, Stamp]) -> list[str]:
    """Names of those that may not be left out any more."""
    if history.is_shallow():
        say("this clone has no history: nobody can tell how long these have been stale")
        return []
    begun = history.introduced(record.TRACKED)
    changed = {
        proof.name: history.first_change(inputs.files(proof.paths), stamps[proof.name].proven)
        if proof.name in stamps
        else begun
        for proof in left
    }
    return overdue([proof.name for proof in left], changed, history.now())


def show(proofs: list[Proof], stamps: dict[str, Stamp]) -> None:
    """A line for each."""
    for proof in proofs:
        stamp = stamps.get(proof.name)
        state = (
            "never" if stamp is None else "holds" if stamp.digest == inputs.digest(proof.paths) else "stale"
        )
        took = f"{stamp.seconds} s" if stamp else ""
        print(f"{proof.name:<40} {state:<6} {took}")


def main() -> int:
    """Exit code 0 when every proof that was run held and none is overdue, 1 otherwise, 2 for a wrong name."""
    arguments = parser().parse_args()
    try:
        proofs = chosen(arguments.names)
    except ValueError as error:
        print(f"proof: {error}", file=sys.stderr)
        return 2
    stamps = record.read(record.TRACKED, record.OWN)
    if arguments.list:
        show(proofs, stamps)
        return 0
    if arguments.stale:
        proofs = [
            proof
            for proof in proofs
            if proof.name not in stamps or stamps[proof.name].digest != inputs.digest(proof.paths)
        ]
    by_name = {proof.name: proof for proof in proofs}
    candidates = [
        Candidate(name, stamps[name].seconds, stamps[name].proven)
        if name in stamps
        else Candidate(name, proof.guess)
        for name, proof in by_name.items()
    ]
    ends = None if arguments.within is None else time.monotonic() + max(0.0, arguments.within)
    plan = choose(candidates, None if ends is None else max(0.0, arguments.within))
    return carry_out(plan, by_name, stamps, ends, record.TRACKED if arguments.renew else record.OWN)


def carry_out(
    plan: Plan, proofs: dict[str, Proof], stamps: dict[str, Stamp], ends: float | None, path: Path
) -> int:
    """Run the plan; a failure stops no other, and nothing is begun when the time is over."""
    if not plan.run and not plan.left:
        say("nothing is stale")
    failed, left = [], list(plan.left)
    for name in plan.run:
        if ends is not None and time.monotonic() > ends:
            left.append(name)
        elif stamp := run(proofs[name]):
            remember(path, name, stamp)
        else:
            failed.append(name)
    for name in left:
        reason = kernel_reason(name.split("/")[1]) if name.startswith("molecule/") else ""
        say(f"no time for {name}{f' ({reason})' if '/vm/' in name and reason else ''}")
    overdue_names = late([proofs[name] for name in left], stamps)
    for name in overdue_names:
        say(f"{name} has been stale for more than a day: `make prove ARGS={name}` and commit its stamp")
    if failed:
        print(f"proof: does not hold: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or overdue_names else 0


if __name__ == "__main__":
    sys.exit(main())
