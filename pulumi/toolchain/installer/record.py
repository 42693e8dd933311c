"""What was installed, written beside it, and the environment that makes use of it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import ToolchainError
from .layout import replace
from .official import RECORD


@dataclass(frozen=True)
class Record:
    """One installation.

    bin: the folder of `pulumi` and its language host.
    cli: the version of the CLI.
    built: whether it was built here, rather than found.
    """

    bin: str
    cli: str
    built: bool
    python: str
    pulumi_home: str


def save(prefix: Path, record: Record) -> None:
    """Write the record; it is the last step of an installation."""
    replace(prefix / RECORD, (json.dumps(asdict(record), indent=1) + "\n").encode(), 0o644)


def load(prefix: Path) -> Record:
    """Read the record. Raises ToolchainError where nothing is installed."""
    path = prefix / RECORD
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise ToolchainError(
            f"no toolchain is installed in {prefix}: run install.py without --print-env"
        ) from exc
    except (ValueError, TypeError) as exc:
        raise ToolchainError(f"{path} is damaged: run install.py again without --print-env") from exc


def environment(record: Record) -> dict[str, str]:
    """The variables that a shell needs; PATH refers to the shell's own."""
    return {
        "PATH": f"{record.bin}:{Path(record.python).parent}:$PATH",
        "PULUMI_HOME": record.pulumi_home,
        # The interpreter of programs without a virtual environment of their own.
        "LIMEN_PYTHON": record.python,
        # All is installed: a missing plugin is an error, never a download.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Another toolchain's programs on PATH are neither used nor warned about.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
