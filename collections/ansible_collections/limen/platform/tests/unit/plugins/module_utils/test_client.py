# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""The client against servers that misbehave, and the token that no message shows."""

from __future__ import annotations

import http.server
import threading
import typing as t

import pytest
from ansible_collections.limen.platform.plugins.module_utils import client as limen
from ansible_collections.limen.platform.plugins.module_utils.errors import (
    ApiError,
    ApiUnavailable,
    InvalidInput,
    LimenError,
    QuotaDenied,
)

TOKEN = "secret-token-7"
PROBLEM = (
    b'{"code": "invalid", "status": 422, "detail": "No.", "errors": [{"path": "a.b", "message": "bad"}]}'
)
BUSY = b'{"code": "busy", "status": 503, "detail": "Busy, try again.", "retry_after": 0.01}'
DENIED = b'{"code": "quota_denied", "status": 403, "decision": {"allowed": false, "text": "Denied: so."}}'


class Server(http.server.ThreadingHTTPServer):
    """Answers every request alike and keeps what it was sent."""

    status, content, location = 200, b"{}", ""
    busy = 0
    """How many requests are answered with busy first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        server.requests.append((self.command, self.path, dict(self.headers)))
        busy, server.busy = server.busy > 0, server.busy - 1
        content = BUSY if busy else server.content
        self.send_response(503 if busy else server.status)
        if server.location:
            self.send_header("Location", server.location)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815

    def log_message(self, *arguments: t.Any) -> None:
        """Silent."""


@pytest.fixture
def server() -> t.Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def refusal(server: Server, status: int, content: bytes, kind: type[LimenError], location: str = "") -> str:
    server.status, server.content, server.location = status, content, location
    with pytest.raises(kind) as caught:
        limen.Client(server.url, TOKEN).get("projects")
    assert TOKEN not in repr(caught.value) + str(caught.value.facts())
    return str(caught.value)


def test_paths_are_quoted_and_what_is_none_left_out(server: Server) -> None:
    client = limen.Client(server.url + "/", TOKEN)
    client.get("claims", project="a&b", host=None)
    client.delete("claims", "x/y", generation=3)
    assert [path for _method, path, _headers in server.requests] == [
        "/api/claims?project=a%26b",
        "/api/claims/x%2Fy?generation=3",
    ]
    assert all(headers["Authorization"] == f"Bearer {TOKEN}" for _method, _path, headers in server.requests)
    assert TOKEN not in repr(client)


def test_refusals(server: Server) -> None:
    assert refusal(server, 422, PROBLEM, ApiError) == "No. a.b: bad"
    assert refusal(server, 403, DENIED, QuotaDenied) == "Denied: so."
    assert "without a problem document" in refusal(server, 502, b"{}", ApiUnavailable)
    assert "not JSON" in refusal(server, 200, b"<html>", ApiUnavailable)
    assert "not JSON" in refusal(server, 404, b"<html>", ApiUnavailable)


def test_a_busy_api_is_asked_again_with_the_same_idempotency_key(server: Server) -> None:
    server.busy = 2
    assert limen.Client(server.url, TOKEN).post("claims", body={"id": "x"}) == {}
    keys = {headers["Idempotency-Key"] for _method, _path, headers in server.requests}
    assert (len(server.requests), len(keys)) == (3, 1)


def test_an_api_that_stays_busy_is_given_up(server: Server) -> None:
    server.busy = 1000
    with pytest.raises(ApiError, match="Busy, try again"):
        limen.Client(server.url, TOKEN, timeout=0.2).get("projects")
    asked = len(server.requests)
    with pytest.raises(ApiError, match="Busy, try again"):
        limen.Client(server.url, TOKEN).post("hosts", "h", "scan", body={}, wait_seconds=0.1)
    assert len(server.requests) == asked + 1


def test_a_redirect_does_not_take_the_token_elsewhere(server: Server) -> None:
    with Server() as elsewhere:
        refusal(server, 302, b"{}", ApiUnavailable, location=elsewhere.url)
        assert elsewhere.requests == []
    assert len(server.requests) == 1


def test_nobody_there() -> None:
    with pytest.raises(ApiUnavailable, match=r"limen-api at http://127\.0\.0\.1:1 can't be reached"):
        limen.Client("http://127.0.0.1:1", TOKEN).get("projects")


def test_an_answer_that_does_not_come_in_time() -> None:
    # It accepts connections and never reads from them.
    with Server() as silent, pytest.raises(ApiUnavailable, match="no answer in time"):
        limen.Client(silent.url, TOKEN, timeout=0.2).get("projects")


@pytest.mark.parametrize(
    "url",
    [
        *("limen.example", "ftp://limen.example", "https://", "http://limen.example", "http://10.0.0.1:80"),
        *("https://user:pw@limen.example", "https://[::1", "https://limen.example:99999", "http://0.0.0.0"),
    ],
)
def test_urls_that_send_the_token_astray_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="api_url"):
        limen.Client(url, TOKEN)


@pytest.mark.parametrize(
    "url", ["https://limen.example", "http://localhost:1", "http://[::1]:1", "http://127.8.8.8"]
)
def test_urls_that_keep_the_token_are_taken(url: str) -> None:
    assert limen.Client(url, TOKEN).url == url


def test_a_ca_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"The CA file /nowhere/ca\.pem can't be read"):
        limen.Client("https://limen.example", TOKEN, ca_file="/nowhere/ca.pem")


def test_where_the_token_comes_from(tmp_path: t.Any) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    variables = {"LIMEN_TOKEN": "from-variable", "LIMEN_TOKEN_FILE": "/nowhere"}
    assert limen.resolve_token("own", str(file), variables) == "own"
    assert limen.resolve_token(None, str(file), variables) == "from-file"
    assert limen.resolve_token(None, None, variables) == "from-variable"
    assert limen.resolve_token(None, None, {"LIMEN_TOKEN_FILE": str(file)}) == "from-file"


@pytest.mark.parametrize("token", ["", " ", "two words", "line\nbreak", "se\u0441ret", "\x1b[0m"])
def test_what_is_no_token_is_refused_and_not_shown(token: str, tmp_path: t.Any) -> None:
    file = tmp_path / "token"
    file.write_text(token, encoding="utf-8")
    for arguments in ((token, None), (None, str(file))):
        with pytest.raises(InvalidInput) as caught:
            limen.resolve_token(*arguments, {})
        assert not token.strip() or token not in str(caught.value)


def test_no_token_at_all() -> None:
    with pytest.raises(InvalidInput, match="No API token: set api_token"):
        limen.resolve_token(None, None, {})
    with pytest.raises(InvalidInput, match="The token file /nowhere can't be read"):
        limen.resolve_token(None, "/nowhere", {})
