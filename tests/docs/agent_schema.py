"""JSON schema of what limen-agent answers, made of the dataclasses in the code."""

import json
from typing import Any, Literal

from pydantic import TypeAdapter

from limen.agent.documents import DomainsDocument, HealthDocument, SystemDocument

NAME = "agent-schema.json"
PATHS = {"/v1/system": SystemDocument, "/v1/domains": DomainsDocument, "/healthz": HealthDocument}


def render() -> str:
    """One schema whose `paths` are the documents, and whose `$defs` they share."""
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]] = [
        (path, "serialization", TypeAdapter(kind)) for path, kind in PATHS.items()
    ]
    found, shared = TypeAdapter.json_schemas(inputs)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "limen-agent",
        "paths": {path: found[path, "serialization"] for path in PATHS},
        **shared,
    }
    return json.dumps(schema, indent=1) + "\n"
