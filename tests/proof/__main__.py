"""Run what is proven on guests, and remember what held: scenarios of roles and site.yml, on both Debians."""

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.proof import history, inputs, record, sandbox
from tests.proof.plan import Candidate, Outcome, overdue, play
from tests.proof.proofs import Proof, known
from tests.proof.record import Stamp


def say(line: str) -> None:
    """Print one line of this command's own."""
    print(f"proof: {line}", flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    top.add_argument("names", nargs="*", metavar="PROOF", help="names, or beginnings of them (default: all)")
    top.add_argument("--kind", choices=("container", "vm"), help="only those on such machines")
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


def chosen(names: list[str], kind: str | None) -> list[Proof]:
    """The proofs of these names on that kind of machine; raises ValueError for a name that begins none."""
    proofs = known()
    for name in names:
        if not any(proof.name.startswith(name) for proof in proofs):
            raise ValueError(f"no proof begins with {name}: --list names them")
    return [
        proof
        for proof in proofs
        if (not names or proof.name.startswith(tuple(names))) and (not kind or f"/{kind}/" in proof.name)
    ]


def run(proof: Proof) -> Stamp | None:
    """Run one with its output shown; its stamp, or None where it does not hold."""
    print(f"\n== proof {proof.name}", flush=True)
    with sandbox.copy(inputs.ROOT, files := inputs.files(proof.paths)) as made:
        # Of the copy: what is edited meanwhile is not what was proven.
        digest = inputs.digest_of(files, made)
        started = time.monotonic()
        held = sandbox.run(proof, made)
        seconds = round(time.monotonic() - started)
    say(f"{proof.name} {'holds' if held else 'DOES NOT HOLD'}: {seconds} s")
    return Stamp(digest, round(time.time()), seconds) if held else None


def remember(path: Path, name: str, stamp: Stamp) -> None:
    """Put one stamp into that record; those of proofs that are gone go."""
    names = {proof.name for proof in known()}
    kept = {name: old for name, old in record.read(path).items() if name in names}
    record.write(path, {**kept, name: stamp})


def changed(proof: Proof, stamps: Mapping[str, Stamp]) -> int:
    """Unix time since which a stale proof is stale."""
    if proof.name in stamps:
        return history.changed_since(inputs.files(proof.paths), stamps[proof.name].proven)
    return history.introduced([*proof.origin, str(record.TRACKED.relative_to(inputs.ROOT))])


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
        proofs = chosen(arguments.names, arguments.kind)
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
    path = record.TRACKED if arguments.renew else record.OWN
    within = None if arguments.within is None else max(0.0, arguments.within)
    say(f"{len(proofs)} to run" + ("" if within is None else f", {within:.0f} s to do it in"))
    outcome = play(candidates, within, time.monotonic, lambda name: prove(by_name[name], path))
    since = {name: changed(by_name[name], stamps) for name in outcome.left}
    return report(outcome, since, history.now())


def prove(proof: Proof, path: Path) -> bool:
    """Run one and put its stamp into that record; whether it held."""
    stamp = run(proof)
    if stamp is not None:
        remember(path, proof.name, stamp)
    return stamp is not None


def report(outcome: Outcome, since: Mapping[str, int], now: int) -> int:
    """Say what became of the proofs; the exit code."""
    late = overdue(outcome.left, since, now)
    for name in outcome.left:
        hours = (now - since[name]) / 3600
        say(f"LEFT OUT for want of time: {name}, not proven as it is for {hours:.1f} hours")
    say(f"{len(outcome.held)} held, {len(outcome.failed)} failed, {len(outcome.left)} left out")
    for name in outcome.failed:
        say(f"FAILED: {name}")
    for name in late:
        say(f"FAILED: {name} is left out for more than a day: `make prove ARGS={name}`, and commit its stamp")
    return 1 if outcome.failed or late else 0


if __name__ == "__main__":
    sys.exit(main())
