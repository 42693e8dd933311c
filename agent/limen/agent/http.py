"""HTTP/1.1 for a few GET routes, a thread a connection: bounded in time, number and size.

The standard library's server on purpose: uvicorn takes 5 MiB more, of an agent that may have 45, and what is
behind it (libvirt, /proc) blocks anyway.
"""

import hmac
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from limen.agent.logs import Log

_log = Log(__name__)
CONNECTIONS = 32
IDLE_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    body: bytes
    content_type: str
    status: HTTPStatus = HTTPStatus.OK


Route = Callable[[], Answer]


def json_answer(document: Any, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(json.dumps(document).encode(), "application/json", status)


def problem(status: HTTPStatus, code: str, detail: str) -> Answer:
    """An RFC 9457 problem document, as limen-api writes them."""
    document = {
        "type": f"urn:limen:problem:{code}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
    }
    return Answer(json.dumps(document).encode(), "application/problem+json", status)


class Token:
    """The bearer token that callers send; its file is read again when it changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read_at = 0
        self._value = b""
        self.matches("")  # raises OSError or ValueError now rather than at the first request

    def matches(self, offered: str) -> bool:
        changed = self._file.stat().st_mtime_ns
        if changed != self._read_at:
            value = self._file.read_bytes().strip()
            if not value:
                raise ValueError(f"{self._file} is empty")
            self._value, self._read_at = value, changed
        return hmac.compare_digest(offered.encode(), self._value)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves `routes` on a socket that listens; `open_routes` need no token."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        bound: socket.socket,
        routes: Mapping[str, Route],
        token: Token | None = None,
        open_routes: frozenset[str] = frozenset(),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(bound.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = bound
        self.routes = routes
        self.token = token
        self.open_routes = open_routes
        self._tls = tls
        self._free = threading.BoundedSemaphore(CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            _log.warning("too many connections", limit=CONNECTIONS)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(IDLE_SECONDS)
        if self._tls is not None:  # here, in the connection's thread: a slow handshake holds up nobody
            request = self._tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        _log.debug("connection broken off", client=str(client_address))


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "limen-agent"
    sys_version = ""
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        started = time.monotonic()
        path = urlsplit(self.path).path
        answer = self._answer(path)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        seconds = round(time.monotonic() - started, 4)
        _log.debug("request", path=path, status=int(answer.status), seconds=seconds)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, path: str) -> Answer:
        if not self._may(path):
            return problem(HTTPStatus.UNAUTHORIZED, "unauthenticated", "Send the agent's bearer token.")
        route = self.server.routes.get(path)
        if route is None:
            detail = f"There is {', '.join(sorted(self.server.routes))}."
            return problem(HTTPStatus.NOT_FOUND, "not_found", detail)
        try:
            return route()
        except Exception as defect:  # noqa: BLE001  the caller gets a problem document, the log the details
            _log.error("defect", defect, path=path)
            detail = "limen-agent met a defect; its log has the details."
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)

    def _may(self, path: str) -> bool:
        if self.server.token is None or path in self.server.open_routes:
            return True
        scheme, _, offered = self.headers.get("Authorization", "").partition(" ")
        try:
            return scheme.lower() == "bearer" and self.server.token.matches(offered.strip())
        except (OSError, ValueError) as error:
            _log.error("token file unusable", error)
            return False

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug("http", message=format % args)
