"""Which proofs held, of what, and when: the tracked file that `make prove` renews."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.proof.inputs import ROOT

TRACKED = Path(__file__).with_name("proven.json")
# What runs of this clone have proven since; no file of Git's.
OWN = ROOT / ".limen" / "proven.json"


@dataclass(frozen=True)
class Stamp:
    """A proof that held: digest of its inputs, Unix time, seconds that it took."""

    digest: str
    proven: int
    seconds: int


def read(*paths: Path) -> dict[str, Stamp]:
    """Proof -> its stamp; of several files the newest."""
    found: dict[str, Stamp] = {}
    for path in paths:
        known = json.loads(path.read_text()) if path.exists() else {}
        for name, fields in known.items():
            stamp = Stamp(**fields)
            if name not in found or found[name].proven <= stamp.proven:
                found[name] = stamp
    return found


def write(path: Path, stamps: Mapping[str, Stamp]) -> None:
    """Write them whole or not at all, a line each, so that two branches merge."""
    lines = [f"  {json.dumps(name)}: {json.dumps(asdict(stamp))}" for name, stamp in sorted(stamps.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    draft.replace(path)
