"""The observers of all registered hosts, and the sweeper of deadlines."""

import threading
import time
from concurrent.futures import Future
from uuid import UUID

import structlog

from limen.api.metrics import Metrics
from limen.api.observer import HostStatus, Observer
from limen.api.settings import Settings
from limen.ledger import Ledger
from limen.ledger.errors import NotFound
from limen.ledger.values import Host, ScanResult
from limen.quota.errors import LimenError

_log = structlog.get_logger()
FORGET_SECONDS = 3600.0
RETRY_SECONDS = 5.0
# Deadlines of many items lie close together: one look lapses them all.
SHORTEST_PAUSE = 1.0


class Observers:
    """Keeps one observer running for each host that the ledger lists."""

    def __init__(self, ledger: Ledger, metrics: Metrics, settings: Settings) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._settings = settings
        self.ending = False
        self._lock = threading.Lock()
        self._observers: dict[UUID, Observer] = {}
        self._stopping = threading.Event()
        self._next_forgetting = time.monotonic()
        self._sweeper = threading.Thread(target=self._sweep, name="sweeper", daemon=True)

    def start(self) -> None:
        self._sweeper.start()

    def announce_end(self) -> None:
        """Tell whoever waits for a scan to stop waiting. Takes no lock: signal handlers call it."""
        self.ending = True

    def stop(self) -> None:
        self._stopping.set()
        with self._lock:
            for observer in self._observers.values():
                observer.stop()
            self._observers.clear()

    def request(self, host_id: UUID) -> Future[ScanResult]:
        """A scan of that host that begins after this call. Raises NotFound if it is not registered."""
        with self._lock:
            observer = self._observers.get(host_id)
        if observer is None:
            self.refresh()
            with self._lock:
                observer = self._observers.get(host_id)
        if observer is None:
            raise NotFound(f"There is no host {host_id}: register it with `limen host add`.")
        return observer.request()

    def request_quietly(self, host_id: UUID) -> None:
        """Ask for a scan that nobody waits for; a host that is gone or away is no error."""
        with self._lock:
            observer = self._observers.get(host_id)
        if observer is not None:
            observer.request()

    def note_report(self, host_id: UUID) -> None:
        """The host's agent has reported to this process: its observer need not wait to hear of it."""
        with self._lock:
            observer = self._observers.get(host_id)
        if observer is not None:
            observer.let_report(True)

    def status(self, host_id: UUID) -> HostStatus:
        with self._lock:
            observer = self._observers.get(host_id)
        return HostStatus() if observer is None else observer.status

    def _sweep(self) -> None:
        """Deadlines, and hosts that came or went through another limen-api."""
        while not self._stopping.is_set():
            pause = RETRY_SECONDS
            try:
                self.refresh()
                lapsed = self._ledger.claims.lapse()
                if lapsed.claims:
                    # What lapsed stays charged until a scan shows nothing: it need not wait for the minute.
                    self._request_all()
                self._forget_answers()
                pause = pause_before(lapsed.next_deadline, self._settings.sweep_interval)
            except LimenError as error:
                _log.warning("sweep failed", reason=str(error))
            except Exception as error:  # noqa: BLE001  one defect must not end the sweeping
                _log.error("defect", part="sweeper", exc_info=error)
            self._stopping.wait(min(pause, self._settings.sweep_interval))

    def _forget_answers(self) -> None:
        """Idempotent answers are kept for a day: dropping them once an hour is enough."""
        if time.monotonic() >= self._next_forgetting:
            self._ledger.claims.forget_answers()
            self._next_forgetting = time.monotonic() + FORGET_SECONDS

    def _request_all(self) -> None:
        with self._lock:
            observers = list(self._observers.values())
        for observer in observers:
            observer.request()

    def refresh(self) -> None:
        """Start and stop observers, so that there is one for each host of the ledger, as it is now."""
        hosts = {host.id: host for host in self._ledger.hosts.list()}
        with self._lock:
            if self._stopping.is_set():
                return
            for host_id, observer in list(self._observers.items()):
                host = hosts.get(host_id)
                if host is None or (host.uri, host.name) != (observer.uri, observer.name):
                    observer.stop()
                    del self._observers[host_id]
                else:
                    observer.let_report(self._reports(host))
            for host_id in hosts.keys() - self._observers.keys():
                self._observers[host_id] = self._started(hosts[host_id])

    def _reports(self, host: Host) -> bool:
        return host.silence is not None and host.silence.total_seconds() < self._settings.report_seconds

    def _started(self, host: Host) -> Observer:
        interval = self._settings.scan_interval
        observer = Observer(self._ledger, self._metrics, host.id, host.uri, host.name, interval)
        observer.let_report(self._reports(host))
        observer.start()
        return observer


def pause_before(next_deadline: float | None, longest: float) -> float:
    """Seconds until the next look at deadlines: when the next one has passed, and `longest` at the most.

    What is reserved meanwhile is not due before that: a reservation holds for minutes.
    """
    return longest if next_deadline is None else min(longest, max(SHORTEST_PAUSE, next_deadline))
