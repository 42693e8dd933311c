"""A world whose host runs an agent, and whose libvirt asks before it starts a domain."""

import os
import shutil
from collections.abc import Iterator

import pytest

from tests.lab.postgres import BIN
from tests.world.agent import HostAgent, hook_text
from tests.world.metered import agent, define, lab
from tests.world.world import World
from tests.world.world import world as a_world

__all__ = ["agent", "define", "guarded", "host_agent", "lab", "scanning_agent"]


@pytest.fixture(scope="package")
def guarded() -> Iterator[World]:
    """The world; its project `demo` has room for a few domains."""
    missing = [what for what in ("libvirtd", "qemu-img", "ip") if shutil.which(what) is None]
    if os.geteuid() != 0 or missing or not BIN.is_dir():
        pytest.skip("needs root and the lab's Debian packages: python3 -m tests.lab packages")
    with a_world(start_hook=hook_text) as made:
        made.client.create_user("agents")
        yield made


def running(guarded: World, **options: float) -> Iterator[HostAgent]:
    """The host's agent, which has reported once."""
    token = guarded.authority.limen("token", "create", "agents", "--host", guarded.host)
    made = HostAgent(guarded.lab, guarded.authority.url, token.strip(), options)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def host_agent(guarded: World) -> Iterator[HostAgent]:
    """The host's agent as it is shipped: it looks when libvirt tells of something, and each minute."""
    yield from running(guarded)


@pytest.fixture
def scanning_agent(guarded: World) -> Iterator[HostAgent]:
    """The host's agent, which looks each second."""
    yield from running(guarded, scan_interval=1.0)
