"""A small HTTP server that answers what a test tells it to, over real sockets."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

DROP = "drop"
HANG = "hang"


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Server:
    """`answers` are used up in order, the last one again and again; DROP closes the connection unanswered."""

    url: str = ""
    answers: list[Any] = field(default_factory=lambda: [(200, {})])
    received: list[Received] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    def next_answer(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            raw = self.rfile.read(length)
            server.received.append(
                Received(self.command, self.path, dict(self.headers), json.loads(raw) if raw else None)
            )
            answer = server.next_answer()
            if answer == HANG:
                server.release.wait(30)
                answer = DROP
            if answer == DROP:
                self.close_connection = True
                return
            status, document = answer
            text = document if isinstance(document, str) else json.dumps(document)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            return

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    state.release.set()
    http.shutdown()
    thread.join()
    http.server_close()


Problem = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def problem() -> Problem:
    def make(status: int, code: str, **extra: Any) -> tuple[int, dict[str, Any]]:
        body = {
            "type": f"urn:limen:problem:{code}",
            "status": status,
            "code": code,
            "detail": "Do that.",
            **extra,
        }
        return status, body

    return make
