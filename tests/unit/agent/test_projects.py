"""Limits and charges of projects as metrics; a control plane that is away or slow holds up nothing."""

import contextlib
import threading
import time
from typing import Any

from limen.agent.collectors.projects import ProjectsCollector
from limen.agent.metrics import exposition
from limen.agent.scraping import Scraper

DOCUMENT = {
    "host": "1",
    "projects": [
        {
            "project": 'a "demo"',
            "resources": {
                "memory": {"hard": "1073741824", "soft": "536870912", "charge": "268435456"},
                "networks": {"hard": "unlimited", "soft": None, "charge": "1"},
                "vms": {"hard": None, "soft": None, "charge": "2"},
            },
        }
    ],
}


def test_limits_and_charges_are_metrics() -> None:
    text = exposition(ProjectsCollector(lambda: DOCUMENT, 5.0).collect().families()).decode()
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert samples == [
        r'limen_project_limit{project="a \"demo\"",resource="memory",kind="hard"} 1073741824',
        r'limen_project_limit{project="a \"demo\"",resource="memory",kind="soft"} 536870912',
        r'limen_project_limit{project="a \"demo\"",resource="vms",kind="hard"} 0',
        r'limen_project_unlimited{project="a \"demo\"",resource="memory"} 0',
        r'limen_project_unlimited{project="a \"demo\"",resource="networks"} 1',
        r'limen_project_unlimited{project="a \"demo\"",resource="vms"} 0',
        r'limen_project_charge{project="a \"demo\"",resource="memory"} 268435456',
        r'limen_project_charge{project="a \"demo\"",resource="networks"} 1',
        r'limen_project_charge{project="a \"demo\"",resource="vms"} 2',
    ]


def test_a_control_plane_that_is_away_is_said() -> None:
    def away() -> dict[str, Any]:
        raise OSError("limen-api does not answer: Connection refused")

    outcome = Scraper({"projects": ProjectsCollector(away, 5.0)}, 5.0).scrape()["projects"]
    assert not outcome.success
    assert outcome.error == "limen-api does not answer: Connection refused"


def test_a_control_plane_that_hangs_does_not_hold_up_the_scrape() -> None:
    limit, answered = 60.0, threading.Event()

    def hangs() -> dict[str, Any]:
        answered.wait()
        return DOCUMENT

    scraper = Scraper({"projects": ProjectsCollector(hangs, 1.0)}, limit)
    started = time.monotonic()
    outcome = scraper.scrape()["projects"]
    took = time.monotonic() - started
    answered.set()
    assert took < limit / 2
    assert outcome.error is not None
    assert "limen-api has not answered for" in outcome.error
    assert scraper.scrape()["projects"].success


def test_an_answer_that_came_too_late_serves_the_next_scrape() -> None:
    asked, slow = threading.Semaphore(0), threading.Event()
    begun: list[int] = []

    def second_hangs() -> dict[str, Any]:
        begun.append(1)
        if len(begun) > 1:
            slow.wait()
        asked.release()
        return DOCUMENT

    collector = ProjectsCollector(second_hangs, 0.5)
    first = Scraper({"projects": collector}, 60.0)
    with contextlib.suppress(TimeoutError):
        collector.collect()
    asked.acquire()
    assert first.scrape()["projects"].success
    slow.set()
