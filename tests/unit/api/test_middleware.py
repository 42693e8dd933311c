"""Around every request, defects included."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from limen.api import problems
from limen.api.logs import hide_secrets
from limen.api.metrics import Metrics
from limen.api.middleware import BoundedBody, Observed
from limen.hypervisor.errors import HypervisorError, HypervisorUnavailable
from limen.ledger.errors import (
    Busy,
    Conflict,
    Denied,
    Invalid,
    NotAdmitted,
    NotFound,
    StaleGeneration,
    Unavailable,
)
from limen.quota.errors import InvalidAmount, LimenError

DECISION: Any = {"allowed": False, "text": "No."}
EXPECTED = [
    (Denied(DECISION), 403, "quota_denied"),
    (Busy("Later.", 3), 503, "busy"),
    (Unavailable("Away."), 503, "unavailable"),
    (NotFound("None."), 404, "not_found"),
    (Conflict("Taken."), 409, "conflict"),
    (StaleGeneration("Old.", 7), 409, "stale_generation"),
    (NotAdmitted("No."), 409, "not_admitted"),
    (Invalid("Bad."), 422, "invalid"),
    (InvalidAmount("Bad."), 422, "invalid"),
    (problems.Forbidden("No."), 403, "forbidden"),
    (HypervisorUnavailable("qemu:///system", "gone"), 503, "unavailable"),
    (HypervisorError("It refused."), 409, "conflict"),
]


def get(app: FastAPI, path: str, **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(send())


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def app(metrics: Metrics) -> FastAPI:
    made = FastAPI()
    problems.install(made)
    made.add_middleware(BoundedBody)
    made.add_middleware(Observed, metrics=metrics)
    return made


@pytest.mark.parametrize(("error", "status", "code"), EXPECTED)
def test_every_error_is_a_problem_document(app: FastAPI, error: LimenError, status: int, code: str) -> None:
    @app.get("/fail")
    def fail() -> None:
        raise error

    answer = get(app, "/fail")
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:limen:problem:{code}"
    assert problem["detail"] == str(error)
    assert ("retry-after" in answer.headers) is (status == 503)
    assert problem.get("decision") == (DECISION if code == "quota_denied" else None)


def test_a_defect_is_a_problem_without_details(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/things/{thing}")
    def fail(thing: str) -> None:
        raise KeyError(f"the password of {thing}")

    answer = get(app, "/things/7", **{"X-Request-Id": "abc"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "password" not in answer.text
    assert "abc" in answer.json()["detail"]
    assert answer.headers["X-Request-Id"] == "abc"
    text = metrics.text().decode()
    assert 'limen_http_requests_total{method="GET",route="/things/{thing}",status="500"} 1.0' in text


def test_secrets_never_reach_a_log_line() -> None:
    event = hide_secrets(None, "", {"event": "x", "Authorization": "Bearer s", "token": "s", "path": "/"})
    assert event == {"event": "x", "Authorization": "hidden", "token": "hidden", "path": "/"}
