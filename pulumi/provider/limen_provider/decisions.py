"""Decisions as data, for programs that run the engine: it hands on a provider's words and nothing else."""

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE_VARIABLE = "LIMEN_DECISION_FILE"
_LOG = logging.getLogger(__name__)


def hand_over(decision: Mapping[str, Any]) -> None:
    """Write a denial to the file that LIMEN_DECISION_FILE names; without it, do nothing.

    A file that cannot be written is logged only: the denial itself goes by the engine.
    """
    name = os.environ.get(FILE_VARIABLE)
    if not name:
        return
    try:
        with tempfile.NamedTemporaryFile("w", dir=Path(name).parent, delete=False, encoding="utf-8") as draft:
            json.dump(dict(decision), draft)
        os.replace(draft.name, name)
    except OSError as error:
        _LOG.warning("The decision cannot be written to %s: %s", name, error.strerror)
