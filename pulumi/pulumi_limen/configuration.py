"""A stack's configuration as a document of the specification: how `vm_stack` is driven."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from pulumi_limen.spec.document import SECTIONS
from pulumi_limen.spec.problems import Problems, child

SSH_KEY_FILES = "ssh_key_files"
KEYS = (*SECTIONS, SSH_KEY_FILES)
_PLACEHOLDER = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)(?::-([^}]*))?\}")


def load(config: Mapping[str, str], program: str, problems: Problems) -> dict[str, Any]:
    """The document in the configuration values of `program`; `config` is all of Pulumi's, as JSON text.

    Notes unknown keys of that name space, text that is no JSON, and variables that are not set.
    """
    document: dict[str, Any] = {}
    for name, text in sorted(config.items()):
        space, _colon, key = name.rpartition(":")
        if space != program:
            continue
        if key not in KEYS:
            problems.add(name, f"unknown key; known are {', '.join(f'{program}:{each}' for each in KEYS)}")
            continue
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            problems.add(
                key, f"{text!a:.60} is not a mapping: write it below the key in the stack's YAML file"
            )
            continue
        document[key] = expand(value, key, os.environ, problems)
    _give_keys(document, problems)
    return document


def expand(value: Any, path: str, variables: Mapping[str, str], problems: Problems) -> Any:
    """`value` with `${NAME}` and `${NAME:-default}` in its texts replaced by variables of the environment."""
    if isinstance(value, dict):
        return {key: expand(each, child(path, key), variables, problems) for key, each in value.items()}
    if isinstance(value, list):
        return [expand(each, child(path, index), variables, problems) for index, each in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(found: re.Match[str]) -> str:
        name, default = found.group(1), found.group(2)
        text = variables.get(name)
        if not text and default is None:
            problems.add(
                path, f"the environment variable {name} is not set: `. .limen/env` after `make up` sets it"
            )
        return text or default or ""

    return _PLACEHOLDER.sub(replace, value)


def all_values() -> Mapping[str, str]:
    """Every configuration value of the running program, by its full name."""
    return {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}


def _give_keys(document: dict[str, Any], problems: Problems) -> None:
    """Every VM gets the public keys of the files that `ssh_key_files` names."""
    files = document.pop(SSH_KEY_FILES, [])
    if not isinstance(files, list) or not all(isinstance(each, str) for each in files):
        problems.add(SSH_KEY_FILES, "is not a list of paths")
        return
    keys = []
    for index, name in enumerate(files):
        if not name:
            continue
        try:
            keys.append(Path(name).expanduser().read_text(encoding="ascii").strip())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            problems.add(child(SSH_KEY_FILES, index), f"{name} cannot be read: {reason}")
    vms = document.get("vms")
    for vm in vms.values() if isinstance(vms, dict) else ():
        if keys and isinstance(vm, dict) and isinstance(vm.get("ssh_keys", []), list):
            vm["ssh_keys"] = [*vm.get("ssh_keys", []), *keys]
