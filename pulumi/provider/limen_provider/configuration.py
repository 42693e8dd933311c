"""Configuration of the provider: there is none in Pulumi, so that no secret gets into a state file."""

from collections.abc import Mapping
from typing import Any

from limen_provider.errors import Failure

_ENGINE_KEYS = frozenset(("version", "pluginDownloadURL"))
# Stack configuration of the name space `limen` reaches the default provider; these are for programs.
_PROGRAM_KEYS = frozenset(("project", "host"))
_REASON = (
    "The limen provider takes no configuration: set LIMEN_API_URL and LIMEN_TOKEN or LIMEN_TOKEN_FILE in the "
    "environment, so that they don't get into the state."
)


def check_configuration(properties: Mapping[str, Any]) -> list[Failure]:
    """What is configured though it must not be; keys of the engine and of programs pass."""
    return [
        Failure(name, _REASON)
        for name in sorted(properties)
        if name not in _ENGINE_KEYS | _PROGRAM_KEYS and not name.startswith("__")
    ]
