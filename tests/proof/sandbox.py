"""A copy of the tree that holds what goes into a proof and nothing else, and a command in it.

What a digest leaves out is not there: whoever reads it finds out at once.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proof.imports import PACKAGES
from tests.proof.proofs import BIN, Proof

# Made by the bootstrap, of what goes into every proof.
MADE = ("venv", "toolchain", "pulumi-home")
# Without this, a package of which nothing goes in would be found in the checkout.
ABSENT = 'raise ImportError("{name} does not go into this proof: see tests/proof/inputs.py")\n'


@contextmanager
def copy(root: Path, paths: Iterable[str]) -> Iterator[Path]:
    """A copy of these files, gone afterwards; outside the checkout, where nothing is found further up."""
    with tempfile.TemporaryDirectory(prefix="limen-proof-") as folder:
        made = Path(folder) / "limen"
        for path in paths:
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, made / path)
        (made / ".limen").mkdir(parents=True)
        for name in MADE:
            if (root / ".limen" / name).exists():
                (made / ".limen" / name).symlink_to(root / ".limen" / name)
        for name, place in PACKAGES.items():
            if not (made / place / name).exists():
                stub = Path(folder) / "absent" / name / "__init__.py"
                stub.parent.mkdir(parents=True)
                stub.write_text(ABSENT.format(name=name))
        yield made


def environment(made: Path) -> dict[str, str]:
    """This process's variables, but what Python imports and where molecule keeps its things is the copy's."""
    # Images of Python tell it to keep no bytecode: Ansible would compile itself anew at each start.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    places = [*(str(made / place) for place in PACKAGES.values()), str(made.parent / "absent")]
    return {
        **{name: value for name, value in kept.items() if not name.startswith("ANSIBLE_")},
        "PATH": f"{BIN}:{kept['PATH']}",
        "PYTHONPATH": ":".join(places),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(made.parent / "molecule"),
    }


def run(proof: Proof, made: Path) -> bool:
    """Run a proof in its copy with its output shown; whether it held."""
    sys.stdout.flush()
    done = subprocess.run(
        proof.argv,
        cwd=made / proof.folder,
        env={**environment(made), **proof.env},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0
