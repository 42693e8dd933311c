"""Clients that race: processes of threads, each doing to its claims whatever comes to its mind."""

import json
import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from limen.ledger import Ledger, transitions
from limen.ledger.errors import Busy, Denied, NotAdmitted, Unavailable
from limen.ledger.pool import Settings
from limen.ledger.values import Claim
from tests.contract.ledger.variants import VARIANTS
from tests.contract.ledger.world import GIB, host_id, pick, request

Answer = TypeVar("Answer")

_PATIENCE = 30.0
# How long one client asks again: on a machine that does much else all of them may wait for one lock.
_INSISTENCE = 120.0


@dataclass(frozen=True)
class Race:
    """`threads` clients in one process for `seconds`; what they are told is written to `log`.

    They go on until they did `least` things, however slow the machine is, within `_PATIENCE`.

    `only_create` races for what is left; otherwise clients do everything that clients do.
    """

    url: str
    leaves: tuple[str, ...]
    hosts: int
    threads: int
    seconds: float
    seed: str
    log: Path
    settings: Settings = field(default_factory=Settings)
    reservation: float = 120.0
    only_create: bool = False
    variant: str | None = None
    least: int = 0


def start(race: Race) -> multiprocessing.process.BaseProcess:
    """Begin a race in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=(race,))
    process.start()
    return process


def work(race: Race) -> None:
    """Run every client of the process to the end. An error that no client expects is written to the log."""
    if race.variant is not None:
        VARIANTS[race.variant]()
    transitions.RESERVATION = timedelta(seconds=race.reservation)
    done: list[str] = []
    log = os.open(race.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    end = time.monotonic() + race.seconds

    def run(number: int) -> None:
        client = _Client(ledger, race, random.Random(f"{race.seed}/{number}"), log, end, done)
        try:
            client.run()
        except Exception as error:  # noqa: BLE001 (the test reads it in the log)
            _write(log, {"error": f"{type(error).__name__}: {error}"})

    with Ledger.open(race.url, race.settings) as ledger:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(race.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class _Client:
    def __init__(
        self, ledger: Ledger, race: Race, number: random.Random, log: int, end: float, done: list[str]
    ) -> None:
        self._ledger = ledger
        self._race = race
        self._number = number
        self._log = log
        self._end = end
        self._done = done
        self._claims: dict[UUID, Claim] = {}

    def run(self) -> None:
        actions: list[Callable[[], None]] = [self._create]
        if not self._race.only_create:
            actions = [self._create] * 3 + [
                self._resize,
                self._transfer,
                self._build,
                self._build,
                self._settle,
            ]
            actions += [self._release, self._release, self._beat]
        while self._goes_on():
            action = self._number.choice(actions)
            self._done.append(action.__name__)
            try:
                action()
                _write(self._log, {"did": action.__name__})
            except Denied:
                _write(self._log, {"denied": action.__name__})
            except NotAdmitted:
                pass  # it lapsed, or was settled

    def _goes_on(self) -> bool:
        late = time.monotonic() - self._end
        return late < 0 or (late < _PATIENCE and len(self._done) < self._race.least)

    def _create(self) -> None:
        wanted = request(
            self._leaf(),
            self._host(),
            self._number.randint(1, 2),
            claim=UUID(int=self._number.getrandbits(128)),
        )
        key = self._key()
        claim = insist(lambda: self._ledger.claims.create(wanted, "racer", key)).claim
        _write(self._log, {"created": str(claim.id)})
        self._claims[claim.id] = claim

    def _resize(self) -> None:
        claim = self._one()
        if claim is None:
            return
        grown = request(
            claim.project,
            claim.host,
            claim=claim.id,
            memory=self._number.randint(1, 2) * GIB,
            first=self._number.randint(0, 2),
        )
        key = self._key()
        after = insist(lambda: self._ledger.claims.change(grown, claim.generation, "racer", key)).claim
        self._claims[claim.id] = after

    def _transfer(self) -> None:
        claim = self._one()
        if claim is None:
            return
        leaf, key = self._leaf(), self._key()
        moved = insist(lambda: self._ledger.claims.transfer(claim.id, claim.generation, leaf, "racer", key))
        self._claims[claim.id] = moved.claim

    def _build(self) -> None:
        claim = self._one()
        if claim is None or not claim.items:
            return
        item = self._number.choice(claim.items)
        key = self._key()
        insist(
            lambda: self._ledger.claims.admit_item(
                claim.id, item.key, item.claimed, item.host, "racer", None, key
            )
        )

    def _settle(self) -> None:
        claim = self._one()
        if claim is None or not claim.items:
            return
        item = self._number.choice(claim.items)
        insist(lambda: self._ledger.claims.settle_item(claim.id, item.key, "racer"))

    def _release(self) -> None:
        claim = self._one()
        if claim is None:
            return
        key = self._key()
        insist(lambda: self._ledger.claims.release(claim.id, claim.generation, "racer", key))
        del self._claims[claim.id]

    def _beat(self) -> None:
        claim = self._one()
        if claim is not None:
            insist(lambda: self._ledger.claims.heartbeat(claim.id, []))

    def _one(self) -> Claim | None:
        return self._number.choice(list(self._claims.values())) if self._claims else None

    def _leaf(self) -> str:
        return pick(self._number, list(self._race.leaves))

    def _host(self) -> UUID:
        return host_id(self._number.randrange(self._race.hosts))

    def _key(self) -> str:
        return f"{self._number.getrandbits(64):x}"


def insist(call: Callable[[], Answer]) -> Answer:
    """Ask again while the ledger is busy or its connection broke, as a client with an idempotency key may."""
    give_up = time.monotonic() + _INSISTENCE
    while True:
        try:
            return call()
        except (Busy, Unavailable):
            if time.monotonic() > give_up:
                raise


def lines(log: Path) -> list[dict[str, str]]:
    """What the clients wrote down; the last line of a killed one may be cut."""
    found = []
    for line in log.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def _write(log: int, entry: dict[str, str]) -> None:
    os.write(log, json.dumps(entry).encode() + b"\n")
