"""Who may ask, and what an agent answers to the rest."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from limen.agent.http import Answer, Server, Token
from limen.listening import Listen, bind

ROUTES = {
    "/metrics": lambda: Answer(b"up 1\n", "text/plain"),
    "/healthz": lambda: Answer(b"{}", "text/plain"),
}


@contextmanager
def _serving(token: Token | None = None) -> Iterator[http.client.HTTPConnection]:
    bound = bind(Listen("127.0.0.1", 0), "limen-agent")
    with Server(bound, ROUTES, token, frozenset({"/healthz"})) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", bound.getsockname()[1], timeout=10)
        try:
            yield connection
        finally:
            connection.close()
            server.shutdown()


def _get(connection: http.client.HTTPConnection, path: str, token: str | None = None) -> tuple[int, bytes]:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("first\n")
    return file


def test_a_connection_serves_many_requests() -> None:
    with _serving() as connection:
        assert [_get(connection, "/metrics") for _ in range(3)] == [(200, b"up 1\n")] * 3


def test_the_token(token_file: Path) -> None:
    with _serving(Token(token_file)) as connection:
        assert _get(connection, "/metrics")[0] == 401
        assert _get(connection, "/metrics", "other")[0] == 401
        assert _get(connection, "/metrics", "f\u00efrst")[0] == 401
        assert _get(connection, "/metrics", "first")[0] == 200
        assert _get(connection, "/healthz")[0] == 200
        token_file.write_text("second\n")
        assert _get(connection, "/metrics", "second")[0] == 200
        assert _get(connection, "/metrics", "first")[0] == 401


def test_an_empty_token_file_is_refused(token_file: Path) -> None:
    token_file.write_text("\n")
    with pytest.raises(ValueError, match="is empty"):
        Token(token_file)


def test_a_path_that_is_not_there() -> None:
    with _serving() as connection:
        status, body = _get(connection, "/nothing")

    assert (status, json.loads(body)["code"]) == (404, "not_found")
