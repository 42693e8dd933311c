"""Decisions as data, for programs that run the engine: it hands on a provider's words and nothing else."""

import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FILE_VARIABLE = "LIMEN_DECISION_FILE"
QUESTION = "limen:question"
_LOG = logging.getLogger(__name__)


def hand_over(decision: Mapping[str, Any], question: Mapping[str, Any]) -> None:
    """Write a decision to the file that LIMEN_DECISION_FILE names; without it, do nothing.

    The `question` goes with it: what a stack will hold in the end is no part of a decision, and a reader must
    see whether it belongs to the preview at hand. A file that cannot be written is logged only: a denial
    itself goes by the engine.
    """
    name = os.environ.get(FILE_VARIABLE)
    if not name:
        return
    try:
        with tempfile.NamedTemporaryFile("w", dir=Path(name).parent, delete=False, encoding="utf-8") as draft:
            json.dump({**decision, "question": question}, draft)
        os.replace(draft.name, name)
    except OSError as error:
        _LOG.warning("The decision cannot be written to %s: %s", name, error.strerror)


def question_for_programs(question: Mapping[str, Any]) -> str | None:
    """The message that tells readers of `pulumi preview --json` what was asked of the quota check.

    A preview that is denied holds no step of the claim, so that nothing else in it says what the stack wants.
    None where the engine writes for people, who have no use for it.
    """
    return json.dumps({QUESTION: question}) if wants_json(_engine_arguments()) else None


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether an engine with this command line writes JSON."""
    return any(argument in ("--json", "--json=true", "-j") for argument in arguments)


def _engine_arguments() -> list[str]:
    """The command line of the engine that started this process; its protocol does not say."""
    try:
        return Path(f"/proc/{os.getppid()}/cmdline").read_text(errors="replace").split("\0")
    except OSError:  # not on Linux
        return []
