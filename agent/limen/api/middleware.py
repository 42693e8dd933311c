"""Around every request: an id, a log line, metrics, and a bound on the size of what is sent."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limen.api.metrics import Metrics
from limen.api.problems import problem

_log = structlog.get_logger()
MAX_BODY = 4 * 2**20
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class Observed:
    """Names each request, counts it and writes it down, without its body, query or token."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else uuid4().hex
        status = 0
        started = time.monotonic()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer)
            except Exception as defect:  # the caller gets a problem document, the log the details
                _log.error("defect", path=scope["path"], exc_info=defect)
                if status:
                    raise
                detail = f"limen-api met a defect; its log has the details under request {request_id}."
                await problem("internal", detail)(scope, receive, answer)
            finally:
                self._note(scope, status, time.monotonic() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: ids in a label would make a series each.
        route = str(getattr(scope.get("route"), "path", "unmatched"))
        self._metrics.requests.labels(scope["method"], route, status).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        write = _log.debug if scope["path"] in _QUIET else _log.info
        write("request", method=scope["method"], path=scope["path"], status=status, seconds=round(seconds, 4))


class BoundedBody:
    """Refuses bodies that are larger than any claim could be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            await _too_large(scope, receive, send)
            return
        received = 0
        started = False

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise _TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, bounded, noted)
        except _TooLarge:
            if not started:
                await _too_large(scope, receive, send)


class _TooLarge(Exception):
    pass


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"The body is larger than {MAX_BODY} bytes: send fewer items at once."
    answer = problem("invalid", detail, errors=[])
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
