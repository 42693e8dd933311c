"""For the tests of roles: requests to a guest's web server from outside, by names that no DNS knows."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.molecule.outside import outside


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case, values in the order they came) and body."""

    status: int
    headers: dict[str, list[str]]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """Every name at that address, with a certificate from that authority (a file)."""

    address: str
    authority: Path

    def curl(self, url: str, *options: str) -> subprocess.CompletedProcess[bytes]:
        """curl as it is."""
        name = url.split("/")[2]
        known = [part for port in (80, 443) for part in ("--resolve", f"{name}:{port}:{self.address}")]
        return outside("curl", "-sS", "--cacert", str(self.authority), *known, *options, url)

    def ask(self, url: str, *options: str) -> Answer:
        """One request; raises AssertionError where there is no answer."""
        done = self.curl(url, "--include", *options)
        assert done.returncode == 0, done.stderr.decode()
        head, _, body = done.stdout.decode().partition("\r\n\r\n")
        first, *lines = head.splitlines()
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(": ")
            headers.setdefault(name.lower(), []).append(value)
        return Answer(int(first.split()[1]), headers, body)
