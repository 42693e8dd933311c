"""Libvirt's events, followed across restarts of libvirtd."""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

import libvirt

from limen.hypervisor.connection import Connection, connect
from limen.hypervisor.errors import HypervisorError

EventCallback = Callable[[str, str, str], None]
Event = tuple[str, str, str]

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

_DOMAIN = [
    "defined",
    "undefined",
    "started",
    "suspended",
    "resumed",
    "stopped",
    "shutdown",
    "pmsuspended",
    "crashed",
]
_NETWORK = ["defined", "undefined", "started", "stopped"]
_POOL = ["defined", "undefined", "started", "stopped", "created", "deleted"]


class Follower:
    """Made by `follow`. Its thread calls back; libvirt's event loop only fills its queue."""

    def __init__(self, uri: str, callback: EventCallback) -> None:
        self._uri = uri
        self._callback = callback
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._calling = threading.RLock()  # re-entrant: a callback may stop its own follower
        threading.Thread(target=self._run, name=f"follow {uri}", daemon=True).start()

    def stop(self) -> None:
        """Stop at once; no callback begins after this returns."""
        with self._calling:
            self._stopped.set()
        self._queue.put(None)

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            try:
                conn = connect(self._uri, readonly=True)
            except HypervisorError:
                self._stopped.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            pause = FIRST_PAUSE_SECONDS
            self._queue = queue.SimpleQueue()
            try:
                self._follow(conn)
            except HypervisorError:
                self._stopped.wait(pause)
            finally:
                conn.close()

    def _follow(self, conn: Connection) -> None:
        events = self._queue
        release = conn.run(lambda handle: _subscribe(handle, events.put))
        try:
            self._call(("host", "", "connected"))
            while not self._stopped.is_set():
                event = events.get()
                if event is None:
                    break
                self._call(event)
        finally:
            with contextlib.suppress(HypervisorError):
                conn.run(lambda _handle: release(), 2.0)
        self._call(("host", "", "lost"))

    def _call(self, event: Event) -> None:
        with self._calling:
            if not self._stopped.is_set():
                self._callback(*event)


def follow(uri: str, callback: EventCallback) -> Follower:
    """Call `callback(kind, uuid, what)` for every event on `uri`, in order, in a thread of its own.

    kind `domain`: what is `defined undefined started suspended resumed stopped shutdown pmsuspended crashed
    device-added device-removed balloon reboot metadata`; kind `network`: `defined undefined started stopped`;
    kind `pool`: `defined undefined started stopped created deleted refreshed`; kind `host` with uuid "":
    `connected` (also after each restart of libvirtd: events were missed meanwhile, so scan) and `lost`.

    Returns at once (the first callback may come before) and raises nothing: a host that is away is tried
    again, after half a minute at the latest. An exception of the callback ends the following: catch your
    own. Libvirt tells nobody of some changes (`virsh setvcpus --config`, `setmem --config`): only scans see
    those.
    """
    return Follower(uri, callback)


def _subscribe(handle: Any, put: Callable[[Event | None], None]) -> Callable[[], None]:
    """Register for everything. What is returned takes it back; else the connection is never freed."""

    def domain(what: str) -> Callable[..., None]:
        return lambda _conn, dom, *_rest: put(("domain", dom.UUIDString(), what))

    def lifecycle(kind: str, names: list[str]) -> Callable[..., None]:
        def changed(_conn: Any, thing: Any, event: int, *_rest: Any) -> None:
            what = names[event] if event < len(names) else "changed"
            put((kind, thing.UUIDString(), what))

        return changed

    handle.registerCloseCallback(lambda *_: put(None), None)
    domain_ids = [
        handle.domainEventRegisterAny(None, event, callback, None)
        for event, callback in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lifecycle("domain", _DOMAIN)),
            (libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, domain("reboot")),
            (libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, domain("balloon")),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, domain("device-added")),
            (libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, domain("device-removed")),
            (libvirt.VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, domain("metadata")),
        )
    ]
    network_id = handle.networkEventRegisterAny(
        None, libvirt.VIR_NETWORK_EVENT_ID_LIFECYCLE, lifecycle("network", _NETWORK), None
    )
    pool_ids = [
        handle.storagePoolEventRegisterAny(None, event, callback, None)
        for event, callback in (
            (libvirt.VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, lifecycle("pool", _POOL)),
            (
                libvirt.VIR_STORAGE_POOL_EVENT_ID_REFRESH,
                lambda _conn, pool, *_rest: put(("pool", pool.UUIDString(), "refreshed")),
            ),
        )
    ]

    def release() -> None:
        handle.unregisterCloseCallback()
        for number in domain_ids:
            handle.domainEventDeregisterAny(number)
        handle.networkEventDeregisterAny(network_id)
        for number in pool_ids:
            handle.storagePoolEventDeregisterAny(number)

    return release
