"""The command `limen` in a process-like way: arguments in, code and text out."""

import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from limen import cli
from limen.client import Client
from tests.commands import COMMANDS

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `limen` with these arguments; without an environment of its own there is no API."""
    for name in [name for name in os.environ if name.startswith("LIMEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(cli, "app", COMMANDS)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["limen", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    return call


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answers by method of the client; a callable is called, an exception is raised. Calls are noted."""
    answers: dict[str, Any] = {"calls": []}

    class Fake:
        def __enter__(self) -> "Fake":
            return self

        def __exit__(self, *_: object) -> None:
            return

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                answers["calls"].append((name, arguments, named))
                answer = answers[name]
                if isinstance(answer, Exception):
                    raise answer
                return answer(*arguments, **named) if callable(answer) else answer

            return call

    monkeypatch.setattr(Client, "from_environment", lambda: Fake())
    return answers
