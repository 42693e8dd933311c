"""Collectors that fail or hang hold up none of the others, and say what is wrong with them."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from limen.agent.metrics import Family, gauge
from limen.agent.scraping import Scraper, families

LIMIT = 3.0  # seconds


@dataclass(frozen=True)
class _Reading:
    value: int

    def families(self) -> Iterable[Family]:
        return [gauge("limen_test", "Help.", self.value)]


class _Good:
    def collect(self) -> _Reading:
        return _Reading(7)


class _Bad:
    def collect(self) -> _Reading:
        raise OSError("the disk is gone")


class _Hanging:
    """Hangs until it is let go; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = threading.Event()

    def collect(self) -> _Reading:
        self.asked += 1
        self.go.wait()
        return _Reading(self.asked)


@pytest.fixture
def hanging() -> Iterator[_Hanging]:
    made = _Hanging()
    yield made
    made.go.set()


def test_others_answer_in_time(hanging: _Hanging) -> None:
    scraper = Scraper({"hanging": hanging, "bad": _Bad(), "good": _Good()}, timeout=LIMIT)
    begun = time.monotonic()

    outcomes = scraper.scrape()

    assert time.monotonic() - begun < LIMIT
    assert outcomes["good"].reading == _Reading(7)
    assert outcomes["bad"].error == "the disk is gone"
    assert outcomes["hanging"].error is not None
    assert "no answer" in outcomes["hanging"].error
    success = next(family for family in families(outcomes) if family.name == "limen_agent_collector_success")
    assert sorted(success.samples) == [
        ('collector="bad"', 0),
        ('collector="good"', 1),
        ('collector="hanging"', 0),
    ]


def test_one_that_hangs_is_not_asked_again_and_recovers(hanging: _Hanging) -> None:
    scraper = Scraper({"hanging": hanging}, timeout=1.0)

    scraper.scrape()
    scraper.scrape()
    assert hanging.asked == 1
    assert not scraper.last["hanging"].success

    hanging.go.set()
    assert scraper.scrape()["hanging"].success


def test_scrapes_at_once_share_a_run(hanging: _Hanging) -> None:
    scraper = Scraper({"hanging": hanging}, timeout=30)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(scraper.scrape())) for _ in range(4)]
    for thread in threads:
        thread.start()
    hanging.go.set()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert hanging.asked <= 4


def test_only_those_that_are_named() -> None:
    scraper = Scraper({"bad": _Bad(), "good": _Good()}, timeout=1)

    assert set(scraper.scrape({"good"})) == {"good"}
