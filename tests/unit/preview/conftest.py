"""`limen preview-report` as a pipeline runs it: files in, exit code and texts out."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from limen import cli
from tests.commands import COMMANDS


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Run:
    """Runs the command with a preview (JSON value, text or bytes), a decision and an event log."""
    for name in [name for name in os.environ if name.startswith("LIMEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(cli, "app", COMMANDS)

    def put(name: str, content: Any) -> str:
        path = tmp_path / name
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return str(path)

    def call(preview: Any, *arguments: str, decision: Any = None, events: Any = None) -> Ended:
        argv = ["limen", "preview-report", *arguments, put("preview.json", preview)]
        if decision is not None:
            argv += ["--decision", put("decision.json", decision)]
        if events is not None:
            argv += ["--events", put("events.jsonl", events)]
        monkeypatch.setattr(sys, "argv", argv)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfdbinary.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 0, out.decode(), err.decode())

    return call
