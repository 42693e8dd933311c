# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""One HTTP request and its answer, on a connection of its own.

Not ansible.module_utils.urls: what that does beyond this (proxies, netrc, redirects, passwords) must not
happen to a token, and importing it takes as long as reading a hundred VMs.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
from urllib.parse import urlsplit


def exchange(
    url: str,
    ca_file: str | None,
    method: str,
    address: str,
    headers: dict[str, str],
    content: bytes | None,
    seconds: float,
) -> tuple[int, bytes]:
    """The status and the body that the server at `url` answers. Raises OSError where it does not answer."""
    with contextlib.closing(_connection(url, ca_file, seconds)) as connection:
        try:
            connection.request(method, address, content, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise OSError(str(error) or type(error).__name__) from None


def _connection(url: str, ca_file: str | None, seconds: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = str(parts.hostname)
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=seconds)
    trusted = ssl.create_default_context(cafile=ca_file)
    return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=trusted)
