"""The few calls of limen-api that a host's agent makes, with the standard library alone.

`limen.client` would be the better client, but httpx takes a quarter of the memory that an agent may have, and
longer to load than libvirt's start hook may take.
"""

import http.client
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from limen.quota.errors import LimenError

Json = dict[str, Any]


class ControlPlaneAway(LimenError):
    """limen-api gave no answer that can be used."""


class ControlPlaneRefused(LimenError):
    """limen-api said no; `code` is that of its problem document."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class ControlPlaneClient:
    """Speaks for one host, with that host's token; every call opens a connection of its own.

    `seconds` bounds each wait for limen-api. The token's file is read at each call, so it may be renewed.
    With an `address` the URL's name is not resolved; the certificate must be that name's all the same.
    """

    def __init__(
        self,
        url: str,
        token_file: Path,
        ca_file: Path | None = None,
        seconds: float = 10.0,
        address: str | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._parts = urlsplit(self.url)
        self._token_file = token_file
        self._ca_file = ca_file
        self._seconds = seconds
        self._address = address

    def read_clock(self, host: str) -> str:
        """The ledger's time now, to be sent with what a scan shows that begins after it."""
        return str(self._call("GET", f"/api/hosts/{host}/clock")["now"])

    def report(self, host: str, begun: str, things: list[Json], unseen_pools: list[str]) -> Json:
        """Hand over one scan of the whole host."""
        body = {"begun": begun, "things": things, "unseen_pools": unseen_pools}
        return self._call("POST", f"/api/hosts/{host}/observations", body)

    def list_admitted(self, host: str) -> Json:
        """`{host, name, domains}`: who was admitted on the host."""
        return self._call("GET", f"/api/hosts/{host}/admitted")

    def list_projects(self, host: str) -> Json:
        """`{host, projects}`: limits and charges of the projects that hold something on the host."""
        return self._call("GET", f"/api/hosts/{host}/projects")

    def find_admitted(self, host: str, domain: str) -> Json | None:
        """What was admitted for one domain, None for nothing."""
        try:
            return self._call("GET", f"/api/hosts/{host}/admitted/{domain}")
        except ControlPlaneRefused as refused:
            if refused.code == "not_found":
                return None
            raise

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer's document; raises ControlPlaneAway and ControlPlaneRefused."""
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": "application/json"}
        sent = None
        if body is not None:
            sent = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, self._parts.path + path, sent, headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ControlPlaneAway(f"limen-api at {self.url} does not answer: {_reason(error)}") from error
        finally:
            connection.close()
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        if isinstance(document, dict) and 200 <= status < 300:
            return document
        if isinstance(document, dict) and "code" in document and status < 500:
            raise ControlPlaneRefused(str(document["code"]), str(document.get("detail", status)))
        raise ControlPlaneAway(f"limen-api at {self.url} answers {status}")

    def _connection(self) -> http.client.HTTPConnection:
        host = self._parts.hostname or ""
        try:
            port = self._parts.port
            if self._parts.scheme != "https":
                plain = http.client.HTTPConnection(host, port, timeout=self._seconds)
                if self._address is not None:
                    plain.sock = self._reach(plain.port)
                return plain
            import ssl  # slow to load, and of no use on loopback

            context = ssl.create_default_context(cafile=self._ca_file)
            secure = http.client.HTTPSConnection(host, port, timeout=self._seconds, context=context)
            if self._address is not None:
                secure.sock = context.wrap_socket(self._reach(secure.port), server_hostname=host)
            return secure
        except (OSError, ValueError) as error:
            raise ControlPlaneAway(f"limen-api at {self.url} can't be asked: {_reason(error)}") from error

    def _reach(self, port: int) -> socket.socket:
        return socket.create_connection((self._address, port), self._seconds)

    def _token(self) -> str:
        try:
            return self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ControlPlaneAway(
                f"the token file {self._token_file} can't be read: {_reason(error)}"
            ) from error


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
