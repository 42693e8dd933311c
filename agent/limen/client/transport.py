"""HTTP below the client: token, time-outs, retries, problem documents."""

import os
import ssl
import time
import uuid
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from limen.client.errors import ApiError, ApiUnavailable, ClientMisconfigured, QuotaDenied

# An API that restarts is back within about a second; one that is away must be reported within five.
_RETRY_SECONDS = 2.0
_FIRST_PAUSE = 0.1
# Nothing was sent, or: nobody knows how much of it arrived.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
_BROKEN_OFF = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)


class TokenSource:
    """Where the bearer token comes from: a value, or a file that a renewal may rewrite at any time."""

    def __init__(self, value: str | None = None, file: Path | None = None) -> None:
        self._value = value
        self._file = file

    def __repr__(self) -> str:
        return f"TokenSource({'file ' + str(self._file) if self._file else 'value hidden'})"

    def current(self) -> str:
        """The token to send.

        Raises ClientMisconfigured where the file can't be read or holds nothing.
        """
        if self._value is None:
            self._value = self._read()
        return self._value

    def renewed(self, refused: str) -> bool:
        """Read the file again after a token was refused; True if it now holds another one.

        It may not be news: another thread whose token was refused as well may have read it before.
        """
        if self._file is None:
            return False
        self._value = self._read()
        return self._value != refused

    def _read(self) -> str:
        if self._file is None:
            raise ClientMisconfigured("No API token: set LIMEN_TOKEN or LIMEN_TOKEN_FILE.")
        try:
            token = self._file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a token"
            raise ClientMisconfigured(
                f"The token file {self._file} can't be read: {reason}. Check LIMEN_TOKEN_FILE."
            ) from None
        if not token:
            raise ClientMisconfigured(f"The token file {self._file} is empty. Check LIMEN_TOKEN_FILE.")
        return token


class Transport:
    """Sends JSON requests to one limen-api; safe to share between threads.

    `timeout` is in seconds for an answer that needs no waiting on the server's side.
    """

    def __init__(self, url: str, token: TokenSource, ca_file: str | None, timeout: float) -> None:
        self._url = _checked_url(url)
        self._token = token
        self._timeout = timeout
        self._http = httpx.Client(
            base_url=self._url,
            verify=_tls(self._url, ca_file),
            # Neither proxies nor netrc from the environment: the token goes to the API and nowhere else.
            trust_env=False,
            headers={"User-Agent": "limen-client", "Accept": "application/json"},
        )

    def __repr__(self) -> str:
        return f"Transport({self._url!r})"

    def close(self) -> None:
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        wait_seconds: float = 0.0,
    ) -> Any:
        """Send a request and return the answer's JSON, None where there is none.

        A write carries one Idempotency-Key through its retries, so that a write of a claim whose answer
        was lost on the way is not carried out twice; other POST and DELETE requests are sent again only
        if they were not sent. Raises ApiError, QuotaDenied, ApiUnavailable, ClientMisconfigured.
        """
        headers = {} if method == "GET" else {"Idempotency-Key": str(uuid.uuid4())}
        token = self._token.current()
        response = self._send(method, path, body, query, headers, token, wait_seconds)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._token.renewed(token):
            response = self._send(method, path, body, query, headers, self._token.current(), wait_seconds)
        return self._answer(response)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str],
        token: str,
        wait_seconds: float,
    ) -> httpx.Response:
        authorized = {**headers, "Authorization": f"Bearer {token}"}
        timeout = httpx.Timeout(self._timeout * 0.9 + wait_seconds, connect=min(2.0, self._timeout / 2))
        repeatable = method in ("GET", "PUT") or path.startswith("/api/claims")
        retried = (*_NOT_SENT, *_BROKEN_OFF) if repeatable else _NOT_SENT
        give_up = time.monotonic() + min(_RETRY_SECONDS, self._timeout / 2)
        pause = _FIRST_PAUSE
        while True:
            try:
                return self._http.request(
                    method, path, json=body, params=query, headers=authorized, timeout=timeout
                )
            except retried as error:
                if time.monotonic() + pause >= give_up:
                    raise ApiUnavailable(self._away(error)) from None
                time.sleep(pause)
                pause *= 2
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ApiUnavailable(self._away(error)) from None

    def _away(self, error: Exception) -> str:
        if isinstance(error, httpx.TimeoutException):
            reason = "no answer in time"
        else:
            reason = str(error) or type(error).__name__
        return (
            f"limen-api at {self._url} can't be reached ({reason}). "
            "Nothing is admitted without it: check that it runs and that LIMEN_API_URL is right."
        )

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_success:
            return self._json(response) if response.content else None
        problem = self._problem(response)
        decision = problem.get("decision")
        if problem.get("code") == "quota_denied" and isinstance(decision, dict):
            raise QuotaDenied(decision, problem)
        raise ApiError(problem)

    def _problem(self, response: httpx.Response) -> dict[str, Any]:
        document = self._json(response)
        if not isinstance(document, dict) or "code" not in document:
            raise ApiUnavailable(
                f"{self._url} answered {response.status_code} without a problem document: "
                "check that LIMEN_API_URL points to limen-api."
            )
        return document

    def _json(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError:
            raise ApiUnavailable(
                f"{self._url} answered {response.status_code} with something that is not JSON: "
                "check that LIMEN_API_URL points to limen-api."
            ) from None


def environment_token() -> TokenSource:
    """The token source of LIMEN_TOKEN or LIMEN_TOKEN_FILE; raises ClientMisconfigured if neither is set."""
    if value := os.environ.get("LIMEN_TOKEN"):
        return TokenSource(value=value.strip())
    if file := os.environ.get("LIMEN_TOKEN_FILE"):
        return TokenSource(file=Path(file))
    raise ClientMisconfigured("No API token: set LIMEN_TOKEN or LIMEN_TOKEN_FILE.")


def _checked_url(url: str) -> str:
    """Refuse what would send the token nowhere, or in clear over a network."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise ClientMisconfigured(
            "LIMEN_API_URL must be a URL such as https://limen.example or http://127.0.0.1:18443."
        )
    if parts.username or parts.password:
        raise ClientMisconfigured("LIMEN_API_URL must not hold a user or password: use LIMEN_TOKEN.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ClientMisconfigured(
            f"LIMEN_API_URL would send the token to {host} in clear: use https, or a loopback address."
        )
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tls(url: str, ca_file: str | None) -> ssl.SSLContext | bool:
    if not url.startswith("https:"):
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or "no certificate in it"
        raise ClientMisconfigured(
            f"The CA file {ca_file} can't be used: {reason}. Check LIMEN_CA_FILE."
        ) from None
