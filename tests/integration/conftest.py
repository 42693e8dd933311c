"""What the integration tests share: one world, started when the first test asks for it."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.lab.demo.layout import ROOT
from tests.lab.postgres import BIN
from tests.world.world import World
from tests.world.world import world as a_world


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    missing = [what for what in ("libvirtd", "qemu-img", "xsltproc", "ip") if shutil.which(what) is None]
    if os.geteuid() != 0 or missing or not BIN.is_dir():
        pytest.skip("needs root and the lab's Debian packages: python3 -m tests.lab packages")
    if not (ROOT / ".limen" / "toolchain" / "bin" / "pulumi").exists():
        pytest.skip("needs the Pulumi toolchain: make toolchain")
    with a_world() as made:
        yield made
