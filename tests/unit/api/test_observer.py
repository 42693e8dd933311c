"""The observer's own doing, with a host and a ledger that a test drives by hand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from limen.api import observer as module
from limen.api.metrics import Metrics
from limen.api.observer import Observer
from limen.hypervisor.errors import HypervisorUnavailable
from limen.hypervisor.model import HostObservation
from limen.ledger.values import ScanResult

WAIT = 10.0
HOST = uuid4()


class Host:
    """A hypervisor: a scan takes until `go` is set, and fails while `away`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.scanning = threading.Semaphore(0)
        self.away = False
        self.connections = 0
        self.callback: Any = None
        self.unseen: tuple[str, ...] = ()

    def scan(self, _: object) -> HostObservation:
        self.scanning.release()
        assert self.go.wait(WAIT)
        if self.away:
            raise HypervisorUnavailable("fake:///", "it is away")
        return HostObservation(str(HOST), unseen_pools=self.unseen)

    def connect(self, _: str) -> "Host":
        self.connections += 1
        if self.away:
            raise HypervisorUnavailable("fake:///", "it is away")
        return self

    def follow(self, _: str, callback: Any) -> "Host":
        self.callback = callback
        return self

    def alive(self) -> bool:
        return not self.away

    def close(self) -> None:
        return

    stop = close


class FakeLedger:
    """Counts what is applied; stands for `observations`, `claims` and `turns` alike."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.ours = True
        self.observations = self.claims = self.turns = self

    def begin_scan(self, _: object) -> datetime:
        return datetime.now(UTC)

    def apply_scan(self, *_: object) -> ScanResult:
        self.applied.append("scan")
        return ScanResult(True)

    def apply_partial(self, *_: object) -> ScanResult:
        self.applied.append("partial")
        return ScanResult(True)

    def fail_scan(self, *_: object) -> None:
        self.applied.append("failed")

    def list(self, **_: object) -> tuple[()]:
        return ()

    @contextmanager
    def at(self, _: object, wait_seconds: float) -> Iterator[bool]:
        yield self.ours or wait_seconds > 0


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()
    monkeypatch.setattr(module, "scan", made.scan)
    monkeypatch.setattr(module, "connect", made.connect)
    monkeypatch.setattr(module, "follow", made.follow)
    monkeypatch.setattr(module, "require_host", lambda *_: None)
    return made


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def observer(host: Host, ledger: FakeLedger) -> Iterator[Observer]:
    """Started, and past its first scan."""
    made = Observer(ledger, Metrics(), HOST, "fake:///", "lab", 3600.0)  # type: ignore[arg-type]
    made.start()
    assert host.scanning.acquire(timeout=WAIT)
    yield made
    host.go.set()
    made.stop()
    made._thread.join(WAIT)
    assert not made._thread.is_alive()


def test_a_request_gets_a_scan_that_begins_after_it(
    host: Host, observer: Observer, ledger: FakeLedger
) -> None:
    observer.request().result(WAIT)
    host.go.clear()
    early = observer.request()
    assert host.scanning.acquire(timeout=WAIT)
    # This scan has begun: whoever asks now needs another one, and they share it.
    late = [observer.request() for _ in range(5)]
    host.go.set()
    early.result(WAIT)
    before = len(ledger.applied)
    assert {future.result(WAIT) for future in late} == {ScanResult(True)}
    assert len(ledger.applied) <= before + 1


def test_a_host_that_is_away_keeps_its_observation_and_is_asked_again(
    host: Host, observer: Observer, ledger: FakeLedger
) -> None:
    observer.request().result(WAIT)
    host.away = True
    applied = ledger.applied.count("scan")
    with pytest.raises(HypervisorUnavailable):
        observer.request().result(WAIT)
    assert ledger.applied.count("scan") == applied
    assert ledger.applied[-1] == "failed"
    assert (observer.status.reachable, "away" in str(observer.status.error)) == (False, True)
    host.away = False
    # Nobody asks: the observer itself tries again soon.
    assert host.scanning.acquire(timeout=WAIT)
    observer.request().result(WAIT)
    assert (observer.status.reachable, observer.status.error) == (True, None)


def test_a_burst_of_events_is_one_scan(host: Host, observer: Observer, ledger: FakeLedger) -> None:
    observer.request().result(WAIT)
    before = len(ledger.applied)
    while host.scanning.acquire(blocking=False):
        pass
    for what in ("defined", "started", "resumed", "suspended"):
        host.callback("domain", "uuid", what)
    assert host.scanning.acquire(timeout=WAIT)
    observer.request().result(WAIT)
    assert len(ledger.applied) - before <= 2


def test_losing_the_connection_is_no_event(host: Host, observer: Observer) -> None:
    observer.request().result(WAIT)
    host.callback("host", "", "lost")
    assert observer._event_due is None
    host.callback("host", "", "connected")
    assert observer._event_due is not None


def test_a_pool_that_was_not_listed_makes_a_partial_scan(
    host: Host, observer: Observer, ledger: FakeLedger
) -> None:
    host.unseen = ("away",)
    observer.request().result(WAIT)
    assert ledger.applied[-1] == "partial"


def test_events_are_left_to_the_process_whose_turn_it_is(
    host: Host, observer: Observer, ledger: FakeLedger
) -> None:
    observer.request().result(WAIT)
    before = len(ledger.applied)
    ledger.ours = False
    observer._attempt([])
    assert len(ledger.applied) == before
    observer.request().result(WAIT)
    assert len(ledger.applied) == before + 1


def test_whoever_waits_is_told_when_it_ends(host: Host, observer: Observer) -> None:
    host.go.clear()
    observer.request()
    assert host.scanning.acquire(timeout=WAIT)
    waiting = observer.request()
    observer.stop()
    host.go.set()
    with pytest.raises(HypervisorUnavailable, match="ended"):
        waiting.result(WAIT)
    with pytest.raises(HypervisorUnavailable, match="ended"):
        observer.request().result(WAIT)


def test_while_the_hosts_agent_reports_only_requests_are_scanned(
    host: Host, observer: Observer, ledger: FakeLedger
) -> None:
    observer.request().result(WAIT)
    observer.let_report(True)
    host.callback("domain", "", "started")
    observer.request().result(WAIT)
    before = len(ledger.applied)
    # The event came before the request, so its scan would have been the one that the request shared.
    host.callback("domain", "", "stopped")
    assert not host.scanning.acquire(timeout=0.0) or len(ledger.applied) == before

    while host.scanning.acquire(blocking=False):
        pass
    observer.let_report(False)
    assert host.scanning.acquire(timeout=WAIT), "limen-api takes over from an agent that is silent"


def test_a_host_whose_agent_reports_is_reachable_though_limen_api_cannot_connect(
    host: Host, observer: Observer
) -> None:
    observer.request().result(WAIT)
    observer.let_report(True)
    host.away = True
    with pytest.raises(HypervisorUnavailable):
        observer.request().result(WAIT)
    assert observer.status.reachable is True
    assert observer.status.error is None
    observer.let_report(False)
    with pytest.raises(HypervisorUnavailable):
        observer.request().result(WAIT)
    assert observer.status.reachable is False
