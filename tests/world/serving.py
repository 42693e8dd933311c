"""A `limen-agent` of a test's or a bench's own, and what it answers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

COMMAND = Path(sys.executable).with_name("limen-agent")
START_SECONDS = 60.0
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Serving:
    """A running agent; `log` is its standard error."""

    process: subprocess.Popen[bytes]
    log: Path
    address: str

    def text(self) -> str:
        """What /metrics answers."""
        with urlopen(f"http://{self.address}/metrics", timeout=60) as answer:
            return str(answer.read().decode())

    def document(self, path: str) -> Any:
        """The JSON at that path."""
        with urlopen(f"http://{self.address}{path}", timeout=60) as answer:
            return json.load(answer)

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def samples(text: str, name: str) -> list[tuple[Labels, float]]:
    """Labels and value of each sample of that metric."""
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


@contextmanager
def serving(log: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """Start `limen-agent` with these options on a port of its own; it is killed afterwards."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("LIMEN_")}
    with log.open("wb") as target:
        process = subprocess.Popen(
            [COMMAND, "--listen", "127.0.0.1:0", *options], stderr=target, env={**own, **(environment or {})}
        )
    try:
        yield Serving(process, log, _address(process, log))
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("{") and json.loads(line)["event"] == "listening":
                return str(json.loads(line)["address"])
        time.sleep(0.05)
    raise AssertionError(f"limen-agent does not listen: {log.read_text()}")
