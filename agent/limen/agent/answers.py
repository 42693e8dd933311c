"""What the agent answers under each path."""

import dataclasses
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from limen.agent.http import Answer, Route, json_answer, problem
from limen.agent.metrics import CONTENT_TYPE, exposition
from limen.agent.scraping import Outcome, Scraper, families

DOMAINS = "domains"


def routes(scraper: Scraper) -> Mapping[str, Route]:
    """Path -> what answers it."""
    return {
        "/metrics": lambda: Answer(exposition(families(scraper.scrape())), CONTENT_TYPE),
        "/v1/system": lambda: json_answer(_system(scraper)),
        "/v1/domains": lambda: _domains(scraper),
        "/healthz": lambda: json_answer(_health(scraper)),
    }


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _document(outcome: Outcome) -> dict[str, Any] | None:
    return None if outcome.reading is None else dataclasses.asdict(outcome.reading)


def _states(outcomes: Mapping[str, Outcome]) -> dict[str, dict[str, Any]]:
    return {
        name: {"success": outcome.success, "seconds": outcome.seconds, "error": outcome.error}
        for name, outcome in outcomes.items()
    }


def _system(scraper: Scraper) -> dict[str, Any]:
    outcomes = scraper.scrape(scraper.names - {DOMAINS})
    return {
        "hostname": socket.gethostname(),
        "time": _now(),
        "version": version("limen"),
        "collectors": _states(outcomes),
        **{name: _document(outcome) for name, outcome in outcomes.items()},
    }


def _domains(scraper: Scraper) -> Answer:
    if DOMAINS not in scraper.names:
        detail = "This agent asks no libvirt: see --libvirt-uri."
        return problem(HTTPStatus.NOT_FOUND, "not_found", detail)
    outcome = scraper.scrape({DOMAINS})[DOMAINS]
    if outcome.reading is None:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", outcome.error or "")
    return json_answer({"time": _now(), **dataclasses.asdict(outcome.reading)})


def _health(scraper: Scraper) -> dict[str, Any]:
    """Of the last scrapes; names only, since no token is asked for."""
    failing = sorted(name for name, outcome in scraper.last.items() if not outcome.success)
    return {"status": "degraded" if failing else "ok", "failing": failing}
