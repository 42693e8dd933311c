"""The agent's connection to libvirt: read-only, opened beside the scrapes, opened again when it is lost."""

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from limen.agent.logs import Log
from limen.hypervisor.connection import (
    KEEPALIVE_MISSES,
    KEEPALIVE_SECONDS,
    OPEN_SECONDS,
    Connection,
    connect,
)
from limen.hypervisor.errors import HypervisorError, HypervisorUnavailable

_log = Log(__name__)
T = TypeVar("T")
# Registers for events of a virConnect; what is returned takes that back.
Subscribe = Callable[[Any], Callable[[], object]]
RETRY_SECONDS = 0.5
# After keepalives have closed the connection to a libvirtd that hangs: then no call stays behind in it.
CALL_SECONDS = (KEEPALIVE_MISSES + 2) * KEEPALIVE_SECONDS


class Link:
    """A service, which keeps one connection. See `on_connect` for who wants to hear of each new one."""

    name = "libvirt"

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._on_connect: list[Subscribe] = []
        self._releases: list[Callable[[], object]] = []
        self._connection: Connection | None = None
        self._reason = "not connected yet"
        self._lost = threading.Event()
        self._tried = threading.Event()
        self._ended = threading.Event()

    def on_connect(self, subscribe: Subscribe) -> None:
        """Have it called with each new connection, before anybody else gets that; say so before `start`."""
        self._on_connect.append(subscribe)

    def start(self) -> None:
        threading.Thread(target=self._keep, name="libvirt link", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()
        self._lost.set()

    def wait(self, seconds: float) -> None:
        """Until the first attempt has succeeded or failed, for `seconds` at most."""
        self._tried.wait(seconds)

    def run(self, work: Callable[[Any], T], seconds: float = CALL_SECONDS) -> T:
        """Call `work(virConnect)` on the connection that is open.

        Raises HypervisorUnavailable, at once where there is none, and HypervisorError.
        """
        connection = self._connection
        if connection is None:
            raise HypervisorUnavailable(self.uri, self._reason)
        return connection.run(work, seconds)

    def _keep(self) -> None:
        while not self._ended.is_set():
            self._lost.clear()
            try:
                self._open()
            except HypervisorError as error:
                self._note(error)
                self._tried.set()
                self._ended.wait(RETRY_SECONDS)
                continue
            self._tried.set()
            self._lost.wait()
            self._close()

    def _open(self) -> None:
        # A libvirtd that hangs is waited for here, by one thread, not by a new one each half second.
        connection = connect(self.uri, readonly=True, seconds=threading.TIMEOUT_MAX)
        try:
            connection.run(self._prepare, OPEN_SECONDS)
        except HypervisorError:
            connection.close()
            raise
        self._connection = connection
        _log.info("libvirt connected", uri=self.uri)

    def _prepare(self, handle: Any) -> None:
        handle.registerCloseCallback(lambda *_: self._lost.set(), None)
        self._releases = [handle.unregisterCloseCallback]
        for subscribe in self._on_connect:
            self._releases.append(subscribe(handle))

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._reason = "the connection was lost"
        if connection is not None:
            if not self._ended.is_set():
                _log.warning("libvirt lost", uri=self.uri)
            for release in self._releases:  # what is registered would keep the connection in memory
                with contextlib.suppress(HypervisorError):
                    connection.run(partial(_call, release), 1.0)
            connection.close()

    def _note(self, error: HypervisorError) -> None:
        reason = error.reason if isinstance(error, HypervisorUnavailable) else str(error)
        if reason != self._reason:
            _log.warning("libvirt is not available", uri=self.uri, reason=reason)
        self._reason = reason


def _call(release: Callable[[], object], _handle: Any) -> object:
    return release()
