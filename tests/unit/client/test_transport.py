"""What the client does when the API is away, slow, restarted, or does not like the token."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from limen.client import ApiError, ApiUnavailable, Client, ClientMisconfigured, QuotaDenied
from limen.client.transport import TokenSource

from .conftest import DROP, HANG, Problem, Server

TOKEN = "limen_s3cret-of-this-test"
CLAIM: dict[str, Any] = {
    "project": "demo",
    "owner": {"kind": "stack", "name": "web"},
    "fingerprint": {"backend": "file:///tmp", "project": "vm_stack", "stack": "dev"},
    "host": "lab",
    "items": [],
}
CLAIM_ID = "5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001"


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_an_absent_api_fails_within_five_seconds_and_says_so() -> None:
    url = f"http://127.0.0.1:{closed_port()}"
    started = time.monotonic()
    with Client(url, TOKEN) as client, pytest.raises(ApiUnavailable, match=url) as raised:
        client.create_claim(CLAIM_ID, **CLAIM)
    assert time.monotonic() - started < 5
    assert "Nothing is admitted" in str(raised.value)


def test_an_api_that_never_answers_fails_within_five_seconds(server: Server) -> None:
    server.answers = [HANG]
    started = time.monotonic()
    with Client(server.url, TOKEN) as client, pytest.raises(ApiUnavailable, match="no answer in time"):
        client.create_claim(CLAIM_ID, **CLAIM)
    assert time.monotonic() - started < 5


def test_a_write_of_a_claim_is_repeated_with_the_same_key(server: Server) -> None:
    server.answers = [DROP, DROP, (201, {"id": CLAIM_ID})]
    with Client(server.url, TOKEN) as client:
        assert client.create_claim(CLAIM_ID, **CLAIM) == {"id": CLAIM_ID}
    keys = [each.headers["Idempotency-Key"] for each in server.received]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_two_writes_have_two_keys(server: Server) -> None:
    with Client(server.url, TOKEN) as client:
        client.create_claim(CLAIM_ID, **CLAIM)
        client.create_claim(CLAIM_ID, **CLAIM)
    assert server.received[0].headers["Idempotency-Key"] != server.received[1].headers["Idempotency-Key"]


def test_a_token_is_not_issued_twice_because_an_answer_was_lost(server: Server) -> None:
    server.answers = [DROP, (201, {"id": "1", "token": "second"})]
    with Client(server.url, TOKEN) as client, pytest.raises(ApiUnavailable):
        client.create_token("ada", ["quota:check"], 60)
    assert len(server.received) == 1


def test_a_rotated_token_file_is_read_again(server: Server, problem: Problem, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    server.answers = [(200, {}), problem(401, "unauthenticated"), (200, {"user": "ada"})]
    with _client_of_file(server, file) as client:
        client.whoami()
        file.write_text("new\n")
        assert client.whoami() == {"user": "ada"}
    assert [each.headers["Authorization"] for each in server.received] == [
        "Bearer old",
        "Bearer old",
        "Bearer new",
    ]


def test_a_renewal_that_another_thread_read_first_counts_as_well(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    source = TokenSource(file=file)
    refused = source.current()
    file.write_text("new\n")
    assert source.renewed(refused)  # a first thread
    assert source.renewed(refused)  # a second one, whose request went out with the old token
    assert not source.renewed("new")


def test_a_refused_token_that_did_not_change_is_sent_once(
    server: Server, problem: Problem, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old\n")
    server.answers = [problem(401, "unauthenticated")]
    with _client_of_file(server, file) as client, pytest.raises(ApiError) as raised:
        client.whoami()
    assert raised.value.code == "unauthenticated"
    assert len(server.received) == 1


def test_a_denial_carries_the_decision(server: Server, problem: Problem) -> None:
    decision = {"allowed": False, "text": "Denied: 1 vm over."}
    server.answers = [problem(403, "quota_denied", decision=decision)]
    with Client(server.url, TOKEN) as client, pytest.raises(QuotaDenied, match="1 vm over") as raised:
        client.create_claim(CLAIM_ID, **CLAIM)
    assert raised.value.decision == decision


def test_errors_of_a_request_name_their_paths(server: Server, problem: Problem) -> None:
    errors = [{"path": "items.0.amounts", "message": "'1.5' is not an amount"}]
    server.answers = [problem(422, "invalid", errors=errors)]
    with Client(server.url, TOKEN) as client, pytest.raises(ApiError, match=r"items\.0\.amounts: '1\.5'"):
        client.create_claim(CLAIM_ID, **CLAIM)


def test_another_server_is_recognized(server: Server) -> None:
    server.answers = [(502, "<html>Bad gateway</html>")]
    with Client(server.url, TOKEN) as client, pytest.raises(ApiUnavailable, match="not JSON"):
        client.whoami()


@pytest.mark.parametrize(
    "answer", [DROP, HANG, (500, "<html>"), (401, {"code": "unauthenticated", "detail": "No."})]
)
def test_the_token_is_in_no_error_and_no_repr(server: Server, answer: Any) -> None:
    server.answers = [answer]
    with Client(server.url, TOKEN, timeout=0.5) as client:
        with pytest.raises((ApiError, ApiUnavailable)) as raised:
            client.whoami()
        assert TOKEN not in repr(client)
        assert TOKEN not in repr(client._transport._token)
    seen: BaseException | None = raised.value
    while seen is not None:
        assert TOKEN not in f"{seen} {seen!r} {vars(seen)}"
        seen = seen.__cause__ or seen.__context__


@pytest.mark.parametrize(
    "url", ["http://10.0.0.7:18443", "http://limen.example", "ftp://127.0.0.1", "127.0.0.1", ""]
)
def test_a_url_that_would_leak_or_lose_the_token_is_refused(url: str) -> None:
    with pytest.raises(ClientMisconfigured, match="LIMEN_API_URL"):
        Client(url, TOKEN)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://limen.example"]
)
def test_loopback_and_https_are_fine(url: str) -> None:
    Client(url, TOKEN).close()


def test_credentials_in_the_url_are_refused_without_showing_them() -> None:
    with pytest.raises(ClientMisconfigured) as raised:
        Client("https://ada:hunter2@limen.example", TOKEN)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "LIMEN_API_URL"),
        ({"LIMEN_API_URL": "http://127.0.0.1:1"}, "LIMEN_TOKEN"),
        (
            {"LIMEN_API_URL": "https://127.0.0.1:1", "LIMEN_TOKEN": "t", "LIMEN_CA_FILE": "/nowhere"},
            "LIMEN_CA_FILE",
        ),
    ],
)
def test_what_is_missing_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    for name in ("LIMEN_API_URL", "LIMEN_TOKEN", "LIMEN_TOKEN_FILE", "LIMEN_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ClientMisconfigured, match=named):
        Client.from_environment()


def test_a_proxy_of_the_environment_never_sees_the_token(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with Client(server.url, TOKEN) as client:
        client.whoami()
    assert len(server.received) == 1


def _client_of_file(server: Server, file: Path) -> Client:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIMEN_API_URL", server.url)
        patch.delenv("LIMEN_TOKEN", raising=False)
        patch.setenv("LIMEN_TOKEN_FILE", str(file))
        return Client.from_environment()
