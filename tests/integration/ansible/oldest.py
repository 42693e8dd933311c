"""An environment with the oldest ansible-core that the collection says it runs on."""

import fcntl
import hashlib
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.integration.ansible.runner import ROOT

RUNTIME = ROOT / "collections" / "ansible_collections" / "limen" / "platform" / "meta" / "runtime.yml"
CACHE = Path.home() / ".cache" / "limen"
# Where the newest's collections are, the callback that prints results for tests is too.
ENVIRONMENT = {"ANSIBLE_COLLECTIONS_PATH": f"collections:{Path(pytest.__file__).parents[1]}"}


def requirement() -> str:
    """`ansible-core~=2.17.0` of `requires_ansible: ">=2.17.0"`."""
    found = re.search(r'requires_ansible: ">=([0-9.]+)"', RUNTIME.read_text())
    assert found is not None, RUNTIME
    return f"ansible-core~={found[1]}"


def oldest_ansible_playbook() -> Path:
    """ansible-playbook of that environment, made on first use and kept; its key is what it holds."""
    key = hashlib.sha256(f"{requirement()} {sys.version}".encode()).hexdigest()[:12]
    folder = CACHE / f"ansible-oldest-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "ansible-oldest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            venv.create(folder, clear=True, with_pip=True)
            install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement()]
            subprocess.run(install, check=True, capture_output=True, text=True)
            (folder / "complete").touch()
    return folder / "bin" / "ansible-playbook"
