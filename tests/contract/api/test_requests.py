"""Bad requests: refused with a path and a sentence, and nothing is changed."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.bad_amounts import BAD_COUNTS, BAD_NUMBERS, BAD_TEXT, BAD_VALUES

from .conftest import World

BAD_MEMORY = [*BAD_TEXT, *BAD_NUMBERS, *BAD_VALUES]
BAD_VCPUS = [*BAD_MEMORY, *BAD_COUNTS]


def post(http: httpx.Client, path: str, body: Any, method: str = "POST") -> httpx.Response:
    """As Python's json writes it, NaN and long numbers included; httpx would refuse to send those."""
    return http.request(method, path, content=json.dumps(body), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(("resource", "amounts"), [("memory", BAD_MEMORY), ("vcpus", BAD_VCPUS)])
def test_every_bad_amount_of_a_claim_is_refused(world: World, resource: str, amounts: list[Any]) -> None:
    """An item for each of them in one claim: every one is named, by its path."""
    items = [{**world.item(f"a{n}"), "amounts": {"vms": 1, resource: bad}} for n, bad in enumerate(amounts)]
    with world.http(world.token("claims:write", role="operator")) as http:
        for path, method in (("/api/claims", "POST"), (f"/api/claims/{uuid4()}", "PUT")):
            identity = {"id": str(uuid4())} if method == "POST" else {"generation": 1}
            answer = post(http, path, {**identity, **world.claim(*items)}, method)
            assert answer.status_code == 422
            refused = {error["path"] for error in answer.json()["errors"]}
            through = [bad for n, bad in enumerate(amounts) if f"items.{n}.amounts" not in refused]
            assert through == []
        claims = http.get("/api/claims", params={"project": world.demo}).json()
    assert claims == []


def test_every_bad_amount_of_a_limit_is_refused(world: World) -> None:
    through = []
    with world.http(world.token("limits:write", role="owner", project=world.team)) as http:
        for bad in BAD_VCPUS:
            # None is "none set" there.
            if bad is not None:
                limits = {"limits": {"vcpus": {"hard": bad}}}
                answer = post(http, f"/api/projects/{world.demo}/limits", limits, "PUT")
                if answer.status_code != 422:
                    through.append((bad, answer.status_code))
        quota = http.get(f"/api/projects/{world.demo}/quota").json()
    assert through == []
    assert {each["resource"]: each["hard"] for each in quota["resources"]}["vcpus"] == "2"


def test_every_bad_amount_of_a_question_is_refused(world: World) -> None:
    amounts = {f"device:d{n}": bad for n, bad in enumerate(BAD_VCPUS)}
    with world.http(world.token("quota:check", role="viewer")) as http:
        answer = post(http, "/api/quota/explain", {"project": world.demo, "amounts": amounts})
    assert answer.status_code == 422
    sentences = answer.json()["errors"][0]["message"]
    assert [name for name in amounts if f"an amount of {name}" not in sentences] == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "7"}, "id"),
        ({"project": "Demo!"}, "project"),
        ({"owner": {"kind": "cat", "name": "x"}}, "owner.kind"),
        ({"owner": {"kind": "stack", "name": ""}}, "owner.name"),
        ({"owner": {"kind": "stack", "name": "a\u0000b"}}, "owner.name"),
        ({"owner": {"kind": "stack", "name": "a\nb"}}, "owner.name"),
        ({"owner": {"kind": "stack", "name": "\ud800"}}, "owner.name"),
        ({"fingerprint": {"backend": "b", "project": "p"}}, "fingerprint.stack"),
        ({"items": [{"key": "VM:a", "kind": "vm", "name": "a", "amounts": {}}]}, "items.0.key"),
        ({"items": [{"key": "d", "kind": "disk", "name": "a", "amounts": {}}]}, "items.0"),
        (
            {"items": [{"key": "d", "kind": "disk", "name": "a", "volume": "x", "amounts": {}}]},
            "items.0.volume",
        ),
        ({"items": [{"key": "v", "kind": "vm", "name": "a", "amounts": {"cores": 1}}]}, "items.0.amounts"),
        ({"items": "vm"}, "items"),
        ({"takeover": 1}, "takeover"),
        ({"surprise": True}, "surprise"),
    ],
)
def test_a_bad_claim_is_refused_with_its_path(world: World, change: dict[str, Any], path: str) -> None:
    body = {"id": str(uuid4()), **world.claim(world.item("a")), **change}
    with world.http(world.token("claims:write", role="operator")) as http:
        answer = post(http, "/api/claims", body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["type"] == "urn:limen:problem:invalid"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert path in [error["path"] for error in problem["errors"]]
    assert all(error["message"] for error in problem["errors"])


def test_a_key_that_is_there_twice(world: World) -> None:
    body = {"id": str(uuid4()), **world.claim(world.item("a"), world.item("a"))}
    with world.http(world.token("claims:write", role="operator")) as http:
        answer = post(http, "/api/claims", body)
    assert answer.status_code == 422
    assert "vm:a" in answer.text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"a":' * 5000])
def test_what_is_no_document(world: World, content: bytes) -> None:
    with world.http(world.token("claims:write", role="operator")) as http:
        answer = http.post("/api/claims", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_huge_body_is_refused(world: World) -> None:
    with world.http(world.token("claims:write", role="operator")) as http:
        answer = http.post("/api/claims", content=b" " * (5 * 2**20))
        chunked = http.post("/api/claims", content=iter([b" " * 2**20] * 5))
    assert (answer.status_code, chunked.status_code) == (422, 422)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nothing", 404), ("PATCH", "/api/claims", 405), ("GET", "/", 404), ("GET", "/docs", 404)],
)
def test_addresses_that_are_not_there(world: World, method: str, path: str, status: int) -> None:
    with world.http("x") as http:
        answer = http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ext:///system?command=/bin/sh",
        "qemu+ssh://root@host/system?command=/tmp/x",
        "test:///default",
        "http://127.0.0.1",
        "qemu+tls://ada:secret@host/system",
        "",
    ],
)
def test_uris_that_would_run_programs_or_hold_secrets(world: World, uri: str) -> None:
    with world.http(world.token("admin", administrator=True)) as http:
        answer = post(http, "/api/hosts", {"uri": uri})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_host_that_does_not_answer_is_not_registered(world: World) -> None:
    uri = "qemu+unix:///system?socket=/nowhere/libvirt-sock"
    with world.http(world.token("admin", administrator=True)) as http:
        answer = post(http, "/api/hosts", {"uri": uri, "name": "away"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert uri in answer.json()["detail"]
        assert http.get("/api/hosts/away").status_code == 404


def test_items_need_a_host_and_one_question_at_a_time(world: World) -> None:
    with world.http(world.token("quota:check", role="viewer")) as http:
        for body in (
            {"project": world.demo},
            {"project": world.demo, "items": [world.item("a")]},
            {"project": world.demo, "items": [], "amounts": {}},
            {"project": world.demo, "amounts": {"vms": 1}, "host": world.host_name},
        ):
            assert post(http, "/api/quota/explain", body).status_code == 422
