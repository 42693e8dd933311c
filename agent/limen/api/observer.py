"""One observer a host: scans it every minute, on request and after libvirt's events.

It runs in a thread of its own and is the only caller of libvirt for that host here. The ledger is called
before and after a scan, never around libvirt. While the host's own agent reports, it scans on request only.
"""

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

import structlog

from limen.api.metrics import Metrics
from limen.api.observation import take_in
from limen.hypervisor.connection import Connection, connect, require_host
from limen.hypervisor.errors import HypervisorError, HypervisorUnavailable
from limen.hypervisor.events import Follower, follow
from limen.hypervisor.observe import scan
from limen.hypervisor.seen import seen_things
from limen.ledger import Ledger
from limen.ledger.values import ScanResult
from limen.quota.errors import LimenError

_log = structlog.get_logger()

# Events come in bursts (defined, started, resumed): one scan answers them all.
EVENT_DELAY = 0.2
# A host that answers slowly is not to be scanned all the time because much happens on it.
EVENT_REST = 2.0
FIRST_RETRY = 1.0
# Longer than a scan may take.
TURN_SECONDS = 70.0


@dataclass(frozen=True)
class HostStatus:
    """How the last scan went: `error` None while all is well, `reachable` None before the first scan."""

    reachable: bool | None = None
    error: str | None = None


class Observer:
    """Observes one host until `stop`. `interval` is in seconds."""

    def __init__(
        self, ledger: Ledger, metrics: Metrics, host_id: UUID, uri: str, name: str, interval: float
    ) -> None:
        self.host_id = host_id
        self.uri = uri
        self.name = name
        self.status = HostStatus()
        self._ledger = ledger
        self._metrics = metrics
        self._interval = interval
        self._wake = threading.Condition()
        self._waiting: list[Future[ScanResult]] = []
        self._event_due: float | None = None
        self._stopped = False
        self._reporting = False
        self._last_seconds = 0.0
        self._failures = 0
        self._connection: Connection | None = None
        self._follower: Follower | None = None
        self._thread = threading.Thread(target=self._run, name=f"observer {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End; whoever waits for a scan is told. A call that hangs in libvirt is left behind."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()

    def let_report(self, reporting: bool) -> None:
        """Leave the host to its agent, or take over from one that has gone silent."""
        with self._wake:
            if reporting == self._reporting:
                return
            self._reporting = reporting
            if reporting:
                self.status = HostStatus(True)
            else:
                self._event_due = time.monotonic()
            self._wake.notify_all()
        if reporting:
            _log.info("the host's agent reports, limen-api scans on request only", host=self.name)
        else:
            _log.warning("the host's agent is silent, limen-api scans", host=self.name)

    def request(self) -> Future[ScanResult]:
        """A scan that begins after this call; requests that arrive before it begins share it."""
        answer: Future[ScanResult] = Future()
        with self._wake:
            if self._stopped:
                answer.set_exception(HypervisorUnavailable(self.uri, "its observer has ended"))
                return answer
            self._waiting.append(answer)
            self._wake.notify_all()
        return answer

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            with self._wake:
                while not (self._stopped or self._waiting or time.monotonic() >= self._next(due)):
                    self._wake.wait(max(0.0, self._next(due) - time.monotonic()))
                if self._stopped:
                    break
                waiting, self._waiting = self._waiting, []
                self._event_due = None
                idle = self._reporting and not waiting
            if not idle:
                self._attempt(waiting)
            due = time.monotonic() + self._pause()
        self._end()

    def _next(self, due: float) -> float:
        return due if self._event_due is None else min(due, self._event_due)

    def _pause(self) -> float:
        """Until the next scan nobody asks for: soon after a failure, ever later up to the interval."""
        if not self._failures:
            return self._interval
        return min(self._interval, FIRST_RETRY * 2.0 ** min(self._failures - 1, 10))

    def _attempt(self, waiting: list[Future[ScanResult]]) -> None:
        started = time.monotonic()
        try:
            with self._ledger.turns.at(self.host_id, TURN_SECONDS if waiting else 0) as ours:
                # Where another limen-api scans at this moment, nobody here waits and it saw the same events.
                result = self._scan() if ours else None
        except LimenError as error:
            self._failed(error, waiting)
        except Exception as error:  # noqa: BLE001  one defect must not end the observation of this host
            _log.error("defect", host=self.name, exc_info=error)
            self._failed(
                HypervisorError(f"The scan of {self.name} met a defect: see limen-api's log."), waiting
            )
        else:
            if result is None:
                return
            self._last_seconds = time.monotonic() - started
            self._succeeded(result)
            for answer in waiting:
                answer.set_result(result)

    def _scan(self) -> ScanResult:
        begun = self._ledger.observations.begin_scan(self.host_id)
        try:
            observation = scan(self._connected())
        except LimenError as error:
            self._disconnect()
            self._ledger.observations.fail_scan(self.host_id, begun, str(error))
            raise
        seen = seen_things(observation)
        return take_in(self._ledger, self.host_id, seen, observation.unseen_pools, begun)

    def _connected(self) -> Connection:
        if self._connection is None or not self._connection.alive():
            self._disconnect()
            connection = connect(self.uri)
            try:
                require_host(connection, str(self.host_id))
            except LimenError:
                connection.close()
                raise
            self._connection = connection
        if self._follower is None:
            self._follower = follow(self.uri, self._on_event)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _on_event(self, kind: str, _uuid: str, what: str) -> None:
        if kind == "host" and what == "lost":
            return
        with self._wake:
            if self._event_due is None:
                self._event_due = time.monotonic() + max(EVENT_DELAY, EVENT_REST * self._last_seconds)
                self._wake.notify_all()

    def _succeeded(self, result: ScanResult) -> None:
        if self.status.reachable is False:
            _log.info("host answers again", host=self.name)
        self._failures = 0
        self.status = HostStatus(True)
        self._metrics.scans.labels(self.name, "ok").inc()
        self._metrics.scan_seconds.labels(self.name).observe(self._last_seconds)
        self._metrics.host_up.labels(self.name).set(1)
        self._metrics.host_scanned.labels(self.name).set_to_current_time()
        _log.debug("scanned", host=self.name, seconds=round(self._last_seconds, 3), result=str(result))

    def _failed(self, error: LimenError, waiting: list[Future[ScanResult]]) -> None:
        unreachable = isinstance(error, HypervisorError)
        if unreachable and not self._reporting and self.status.reachable is not False:
            _log.warning(
                "host does not answer, its last observation stays", host=self.name, reason=str(error)
            )
        elif not unreachable:
            _log.warning("scan not applied", host=self.name, reason=str(error))
        self._failures += 1
        # A host whose agent reports is seen, if not by limen-api.
        away = unreachable and not self._reporting
        if away or not unreachable:
            self.status = HostStatus(False if away else self.status.reachable, str(error))
        self._metrics.scans.labels(self.name, "unreachable" if unreachable else "failed").inc()
        if away:
            self._metrics.host_up.labels(self.name).set(0)
        for answer in waiting:
            answer.set_exception(error)

    def _end(self) -> None:
        if self._follower is not None:
            self._follower.stop()
        self._disconnect()
        with self._wake:
            waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer.set_exception(HypervisorUnavailable(self.uri, "its observer has ended"))
