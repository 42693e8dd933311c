# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""A client of limen-api that needs nothing but Ansible: one request in, JSON or one error of ours out.

The token goes to the API and nowhere else: no proxy, no netrc, no redirect, no message.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import time
import typing as t
import uuid
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.limen.platform.plugins.module_utils.errors import (
    ApiError,
    ApiUnavailable,
    InvalidInput,
    QuotaDenied,
)

Json = dict[str, t.Any]

_TOKEN = re.compile(r"[!-~]+")


class Client:
    """A limen-api at `url`; `timeout` in seconds bounds every call that does not wait on purpose."""

    def __init__(self, url: str, token: str, ca_file: str | None = None, timeout: float = 10.0) -> None:
        self.url = checked_url(url)
        self._token = token
        self._ca_file = _checked_ca_file(ca_file)
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def get(self, *path: str, **query: str | int | None) -> t.Any:
        """The JSON at `/api/PATH`; parameters that are None are left out."""
        return self._request("GET", path, query)

    def post(self, *path: str, body: t.Mapping[str, t.Any], wait_seconds: float = 0.0) -> t.Any:
        return self._request("POST", path, body=body, wait_seconds=wait_seconds)

    def put(self, *path: str, body: t.Mapping[str, t.Any]) -> t.Any:
        return self._request("PUT", path, body=body)

    def patch(self, *path: str, body: t.Mapping[str, t.Any]) -> t.Any:
        return self._request("PATCH", path, body=body)

    def delete(self, *path: str, **query: str | int | None) -> t.Any:
        return self._request("DELETE", path, query)

    def find(self, *path: str) -> t.Any:
        """Like `get`, and None for what is not there (or may not be seen)."""
        try:
            return self.get(*path)
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise

    def _request(
        self,
        method: str,
        path: tuple[str, ...],
        query: t.Mapping[str, str | int | None] | None = None,
        body: t.Mapping[str, t.Any] | None = None,
        wait_seconds: float = 0.0,
    ) -> t.Any:
        """Send it, again while the API says that it is busy; raises ApiError, QuotaDenied or ApiUnavailable.

        What waits on purpose is sent once: there, busy says that the time was not enough.
        """
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/json",
            "User-Agent": "limen.platform",
        }
        if method != "GET":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        address = self._address(path, query or {})
        give_up = time.monotonic() + self._timeout
        while True:
            try:
                return self._send(method, address, headers, content, self._timeout + wait_seconds)
            except ApiError as error:
                pause = float(error.problem.get("retry_after", 1))
                if error.code != "busy" or wait_seconds or time.monotonic() + pause >= give_up:
                    raise
            time.sleep(pause)

    def _send(
        self, method: str, address: str, headers: dict[str, str], content: bytes | None, seconds: float
    ) -> t.Any:
        # Imported at the first request: the module vm reads its hypervisor while this is loaded.
        from ansible_collections.limen.platform.plugins.module_utils.exchange import exchange

        try:
            status, answer = exchange(self.url, self._ca_file, method, address, headers, content, seconds)
        except OSError as error:
            raise ApiUnavailable(self._away(error)) from None
        if status >= 300:
            raise self._refusal(status, answer)
        return self._json(status, answer) if answer else None

    def _address(self, path: tuple[str, ...], query: t.Mapping[str, str | int | None]) -> str:
        given = {name: value for name, value in query.items() if value is not None}
        address = f"{urlsplit(self.url).path}/api/" + "/".join(quote(segment, safe=":") for segment in path)
        return f"{address}?{urlencode(given)}" if given else address

    def _away(self, error: Exception) -> str:
        reason = "no answer in time" if isinstance(error, TimeoutError) else error
        return (
            f"limen-api at {self.url} can't be reached ({reason}). "
            "Nothing is admitted without it: check that it runs and that api_url is right."
        )

    def _refusal(self, status: int, content: bytes) -> ApiError | ApiUnavailable:
        problem = self._json(status, content)
        if not isinstance(problem, dict) or "code" not in problem:
            return ApiUnavailable(
                f"{self.url} answered {status} without a problem document: "
                "check that api_url points to limen-api."
            )
        decision = problem.get("decision")
        if problem["code"] == "quota_denied" and isinstance(decision, dict):
            return QuotaDenied(decision)
        return ApiError(problem)

    def _json(self, status: int, content: bytes) -> t.Any:
        try:
            return json.loads(content)
        except ValueError:
            raise ApiUnavailable(
                f"{self.url} answered {status} with something that is not JSON: "
                "check that api_url points to limen-api."
            ) from None


def resolve_token(token: str | None, token_file: str | None, environment: t.Mapping[str, str]) -> str:
    """The token that a task uses: its own options first, then LIMEN_TOKEN, then LIMEN_TOKEN_FILE.

    Raises InvalidInput where there is none, or the file can't be read.
    """
    if token is None and token_file is None:
        token = environment.get("LIMEN_TOKEN") or None
        token_file = environment.get("LIMEN_TOKEN_FILE") or None
    if token is None and token_file is None:
        raise InvalidInput("No API token: set api_token, api_token_file, LIMEN_TOKEN or LIMEN_TOKEN_FILE.")
    where = "api_token" if token is not None else f"the file {token_file}"
    found = (_read(str(token_file)) if token is None else token).strip()
    if not _TOKEN.fullmatch(found):
        # What it holds is not shown: it may be a token with something around it.
        raise InvalidInput(
            f"What {where} holds is not a token: it must be one word of visible ASCII characters."
        )
    return found


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a token"
        raise InvalidInput(
            f"The token file {path} can't be read: {reason}. Check api_token_file and LIMEN_TOKEN_FILE."
        ) from None


def checked_url(url: str) -> str:
    """Refuse what would send the token nowhere, or in clear over a network; raises InvalidInput."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise InvalidInput("api_url must be a URL such as https://limen.example or http://127.0.0.1:18443.")
    if parts.username or parts.password:
        raise InvalidInput("api_url must not hold a user or password: use api_token.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise InvalidInput(
            f"api_url would send the token to {host} in clear: use https, or a loopback address."
        )
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_ca_file(path: str | None) -> str | None:
    if path is not None and not os.access(path, os.R_OK):
        raise InvalidInput(f"The CA file {path} can't be read: check ca_file and LIMEN_CA_FILE.")
    return path
