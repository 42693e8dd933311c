"""Follows libvirt's events, scans each minute, reports, and keeps the copy of who was admitted."""

import threading
import time

from limen.agent.admitted import Copy
from limen.agent.control_plane import ControlPlaneClient
from limen.agent.logs import Log
from limen.agent.observing.report import document
from limen.hypervisor.connection import Connection, connect, host_uuid
from limen.hypervisor.errors import HypervisorError
from limen.hypervisor.events import Follower, follow
from limen.hypervisor.observe import scan
from limen.hypervisor.seen import seen_things
from limen.quota.errors import LimenError

_log = Log(__name__)

# Events come in bursts (defined, started, resumed): one scan answers them all.
EVENT_DELAY = 0.2
# Where scans take long, events must not make it scan all the time.
EVENT_REST = 2.0
FIRST_RETRY = 1.0


class Observer:
    """A service of the agent; `interval` is in seconds. Libvirt is only read."""

    name = "observer"

    def __init__(self, uri: str, control_plane: ControlPlaneClient, copy: Copy, interval: float) -> None:
        self._uri = uri
        self._control_plane = control_plane
        self._copy = copy
        self._interval = interval
        self._wake = threading.Condition()
        self._event_due: float | None = None
        self._stopped = False
        self._failures = 0
        self._trouble: str | None = None
        self._last_seconds = 0.0
        self._connection: Connection | None = None
        self._follower: Follower | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End; a call that hangs is left behind."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()

    def _run(self) -> None:
        self._follower = follow(self._uri, self._on_event)
        while not self._stopped:
            with self._wake:
                self._event_due = None
            self._attempt()
            self._wait(time.monotonic() + self._pause())
        self._follower.stop()
        self._disconnect()

    def _wait(self, due: float) -> None:
        with self._wake:
            while not self._stopped:
                left = min(due, self._event_due or due) - time.monotonic()
                if left <= 0:
                    return
                self._wake.wait(left)

    def _pause(self) -> float:
        """Until the next scan: soon after a failure, ever later up to the interval."""
        if not self._failures:
            return self._interval
        return min(self._interval, FIRST_RETRY * 2.0 ** min(self._failures - 1, 10))

    def _on_event(self, kind: str, _uuid: str, what: str) -> None:
        if kind == "host" and what == "lost":
            return
        with self._wake:
            # While it fails the pauses between attempts count: events would make it knock all the time.
            if self._event_due is None and not self._failures:
                self._event_due = time.monotonic() + max(EVENT_DELAY, EVENT_REST * self._last_seconds)
                self._wake.notify_all()

    def _attempt(self) -> None:
        started = time.monotonic()
        try:
            self._observe()
        except (LimenError, OSError) as error:
            self._failed(error)
        except Exception as error:  # noqa: BLE001  one defect must not end the observation
            _log.error("defect", error)
            self._failed(error)
        else:
            self._last_seconds = time.monotonic() - started
            self._succeeded()

    def _observe(self) -> None:
        connection = self._connected()
        try:
            host = host_uuid(connection)
            # Its time comes from the ledger, before libvirt is asked: what is made later is not "gone" then.
            begun = self._control_plane.read_clock(host)
            observation = scan(connection)
        except HypervisorError:
            self._disconnect()
            raise
        things = [document(thing) for thing in seen_things(observation)]
        result = self._control_plane.report(host, begun, things, list(observation.unseen_pools))
        _log.debug("reported", things=len(things), **result)
        if self._copy.write(self._control_plane.list_admitted(host)):
            _log.debug("copy of the admitted written", file=str(self._copy.file))

    def _connected(self) -> Connection:
        if self._connection is None or not self._connection.alive():
            self._disconnect()
            self._connection = connect(self._uri, readonly=True)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _succeeded(self) -> None:
        if self._trouble is not None:
            _log.info("reports arrive again")
        self._failures, self._trouble = 0, None

    def _failed(self, error: Exception) -> None:
        """Said when it begins and when its reason changes, not at each attempt."""
        trouble = str(error)
        if trouble != self._trouble:
            _log.warning("host not reported, what limen-api saw last stands", reason=trouble)
        self._failures += 1
        self._trouble = trouble
        _log.debug("not reported", attempts=self._failures)
