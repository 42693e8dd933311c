"""A hypervisor of the tests' own: real libvirtd and QEMU in namespaces, gone afterwards."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import libvirtd, netns
from tests.lab.instance import Instance, instance


@contextmanager
def hypervisor(prefix: str) -> Iterator[Instance]:
    """A running libvirtd in a lab named after `prefix` (at most 3 characters) and this process."""
    if os.geteuid() != 0 or shutil.which("libvirtd") is None:
        pytest.skip("libvirtd in namespaces of its own needs root and Debian's libvirt-daemon-system")
    made = instance(f"{prefix}{os.getpid() % 100000}")
    made.state.mkdir(parents=True)
    try:
        netns.up(made)
        libvirtd.up(made)
        yield made
    finally:
        libvirtd.down(made)
        netns.down(made)
        shutil.rmtree(made.state, ignore_errors=True)
