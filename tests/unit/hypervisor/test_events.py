"""On libvirt's in-process test driver; restarts of libvirtd are in tests/contract."""

import queue
import threading

from limen.hypervisor.connection import connect
from limen.hypervisor.events import follow

TEST_DRIVER = "test:///default"
Event = tuple[str, str, str]


def test_it_says_when_it_is_connected_and_stops_at_once() -> None:
    events: queue.Queue[Event] = queue.Queue()
    follower = follow(TEST_DRIVER, lambda *event: events.put(event))
    assert events.get(timeout=10) == ("host", "", "connected")
    follower.stop()
    follower.stop()
    assert events.empty(), "after stop() no callback begins, not even for the loss of the connection"


def test_a_callback_may_stop_its_own_follower() -> None:
    done: queue.Queue[Event] = queue.Queue()

    begun = threading.Event()

    def stop_it(*event: str) -> None:
        assert begun.wait(10)
        follower.stop()
        done.put((event[0], event[1], event[2]))

    follower = follow(TEST_DRIVER, stop_it)
    begun.set()
    assert done.get(timeout=10)[2] == "connected"


def test_a_host_that_is_away_is_no_error() -> None:
    follower = follow("qemu+unix:///system?socket=/nonexistent", lambda *_: None)
    follower.stop()
    with connect(TEST_DRIVER) as conn:
        assert conn.alive()
