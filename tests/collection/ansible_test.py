"""ansible-test without containers, in environments of its own that come from the package registry.

ansible-test downloads one thing that is in no registry: the script that puts pip into an empty environment.
A file of that name in its cache is used instead: a few lines that take the pip which Python brings along.
"""

import os
import re
import sys
from importlib import resources
from importlib.metadata import version

from tests.collection.commands import GateFailed, run
from tests.collection.shipped import Shipped
from tests.lab.instance import cache_root

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_BOOTSTRAP = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip"])
packages = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *packages]))
"""


def sanity(copy: Shipped) -> None:
    """Every sanity test; what is let pass, and why, is in tests/sanity/ignore-*.txt."""
    _run(copy, "sanity")


def units(copy: Shipped) -> None:
    """The unit tests that ship with the collection."""
    told = _run(copy, "units", "--venv")
    if not re.search(r"\b[1-9]\d* passed", told):
        raise GateFailed(f"ansible-test units found no test to run:\n{told}")


def _run(copy: Shipped, command: str, *arguments: str) -> str:
    home = _home()
    # It passes HOME on, and little else: pip's settings in variables would be lost.
    return run(
        "ansible-test", command, *arguments, "--python", PYTHON, "--color", "no", folder=copy.folder, env=home
    )


def _home() -> dict[str, str]:
    """A home of ansible-test's own for each ansible-core; short, since its paths end up in `#!` lines."""
    home = cache_root() / f"ansible-test-{version('ansible-core')}"
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{_pip_version().replace('.', '_')}.py").write_text(_BOOTSTRAP)
    settings = home / ".config" / "pip" / "pip.conf"
    settings.parent.mkdir(parents=True, exist_ok=True)
    given = {name: value for name, value in sorted(os.environ.items()) if name.startswith("PIP_")}
    lines = [f"{name[4:].lower().replace('_', '-')} = {value}\n" for name, value in given.items()]
    settings.write_text("[global]\n" + "".join(lines))
    return {"HOME": str(home)}


def _pip_version() -> str:
    """The pip that ansible-test asks its bootstrap for; its cache is keyed by that."""
    source = resources.files("ansible_test").joinpath("_internal", "python_requirements.py").read_text()
    found = re.search(r"pip='([0-9.]+)'", source)
    if found is None:
        raise GateFailed("ansible-test bootstraps pip in another way: look at its python_requirements.py")
    return found[1]
