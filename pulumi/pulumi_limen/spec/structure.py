"""The shape of a specification: `schema.json`, with errors that a person can act on."""

import difflib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from pulumi_limen.spec.problems import Problems, child

_KINDS = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}


@lru_cache(maxsize=1)
def schema() -> Mapping[str, Any]:
    """The JSON schema (2020-12) of a specification."""
    text = files("pulumi_limen.spec").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = json.loads(text)
    return loaded


def check_structure(document: Mapping[str, Any], problems: Problems) -> None:
    """Note every place where the document does not have the schema's shape."""
    for error in sorted(
        Draft202012Validator(schema()).iter_errors(document), key=lambda found: found.json_path
    ):
        _note(error, problems)


def _note(error: ValidationError, problems: Problems) -> None:
    path = _path(error.absolute_path)
    rule: Any = error.validator_value
    within: Any = error.schema
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known = list(within.get("properties", {}))
        for name in instance:
            if name not in known:
                problems.add(child(path, name), _unknown_key(str(name), known))
    elif error.validator == "required":
        for name in rule:
            if name not in instance:
                problems.add(path, f"`{name}` is missing")
    elif error.validator == "enum":
        problems.add(path, f"{_shown(instance)} is none of {', '.join(map(str, rule))}")
    elif error.validator == "type":
        problems.add(path, f"{_shown(instance)} is not {_kinds(rule)}")
    elif error.validator in ("anyOf", "oneOf"):
        # Text or a mapping: what is wrong with the mapping is of interest, if it is one.
        inner = [found for found in error.context or () if found.validator != "type" or found.path]
        for found in inner or [error]:
            if found is error:
                kinds = [str(each["type"]) for each in rule if "type" in each]
                problems.add(path, f"{_shown(instance)} is not {_kinds(kinds)}")
            else:
                _note(found, problems)
    else:
        problems.add(path, f"{_shown(instance)}: {within.get('description', error.message)}")


def _path(parts: Iterable[str | int]) -> str:
    path = ""
    for part in parts:
        path = child(path, part)
    return path


def _unknown_key(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(known)}"
    return f"unknown key; {hint}"


def _kinds(kinds: str | list[str]) -> str:
    names = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_KINDS.get(name, name) for name in names)


def _shown(value: object) -> str:
    return f"{value!a:.60}"
