import os
import queue
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from limen.hypervisor.connection import Connection, connect
from limen.hypervisor.events import follow
from tests.contract.hypervisor.conftest import MakeDomain
from tests.lab import libvirtd
from tests.lab.instance import Instance

Event = tuple[str, str, str]


class Heard:
    """Events as they come; `wait_for` skips what is not waited for."""

    def __init__(self) -> None:
        self.events: queue.Queue[Event] = queue.Queue()

    def __call__(self, kind: str, uuid: str, what: str) -> None:
        self.events.put((kind, uuid, what))

    def wait_for(self, *wanted: Event, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        missing = list(wanted)
        while missing:
            event = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if event in missing:
                missing.remove(event)


@pytest.fixture
def heard(lab: Instance) -> Iterator[Heard]:
    heard = Heard()
    follower = follow(lab.libvirt_uri, heard)
    heard.wait_for(("host", "", "connected"))
    yield heard
    follower.stop()


def test_what_happens_to_a_domain_is_heard(conn: Connection, heard: Heard, domain: MakeDomain) -> None:
    uuid = domain("web", vcpu="<vcpu current='1'>2</vcpu>", paused=True)
    found = conn.run(lambda handle: handle.lookupByUUIDString(uuid))
    conn.run(lambda handle: handle.defineXML(found.XMLDesc(2)))
    found.destroy()
    found.undefine()
    heard.wait_for(
        ("domain", uuid, "defined"),
        ("domain", uuid, "started"),
        ("domain", uuid, "defined"),
        ("domain", uuid, "stopped"),
        ("domain", uuid, "undefined"),
    )


def test_networks_and_pools_are_heard(
    conn: Connection, heard: Heard, network: Callable[..., str], pool: str
) -> None:
    uuid = network("lan")
    identity = conn.run(lambda handle: handle.storagePoolLookupByName(pool).UUIDString())
    conn.run(lambda handle: handle.storagePoolLookupByName(pool).refresh(0))
    heard.wait_for(
        ("pool", identity, "started"),
        ("network", uuid, "defined"),
        ("network", uuid, "started"),
        ("pool", identity, "refreshed"),
    )


def test_a_restart_of_libvirtd_is_survived_and_told(lab: Instance, heard: Heard) -> None:
    daemon = libvirtd.pid_of(lab, "libvirtd")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGKILL)
    heard.wait_for(("host", "", "lost"))
    libvirtd.up(lab)
    heard.wait_for(("host", "", "connected"))
    with connect(lab.libvirt_uri) as conn:
        text = "<network><name>after</name><bridge name='br-after'/></network>"
        made = conn.run(lambda handle: handle.networkDefineXML(text))
        uuid = conn.run(lambda _: made.UUIDString())
        conn.run(lambda _: made.undefine())
    heard.wait_for(("network", uuid, "defined"), ("network", uuid, "undefined"))


def test_stop_ends_at_once_even_while_libvirtd_hangs(lab: Instance) -> None:
    heard = Heard()
    follower = follow(lab.libvirt_uri, heard)
    heard.wait_for(("host", "", "connected"))
    daemon = libvirtd.pid_of(lab, "libvirtd")
    assert daemon is not None
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        follower.stop()
        assert time.monotonic() - started < 10
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert heard.events.empty()
