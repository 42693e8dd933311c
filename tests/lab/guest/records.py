"""What is kept of a container on disk, so that the next command knows it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "container.json"


@dataclass(frozen=True)
class Record:
    """A container that was made: its place in the network, its suite, a hash of what it is made from."""

    slot: int
    suite: str
    digest: str


def read(path: Path) -> Record | None:
    """The record in that file; None where there is none."""
    try:
        return Record(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def write(path: Path, record: Record) -> None:
    """Write it whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(record)) + "\n")
    draft.replace(path)
