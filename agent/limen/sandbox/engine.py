"""A throw-away backend of Pulumi's with the stripped state in it."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from limen.pulumi_cli import PulumiFailed, run_pulumi
from limen.sandbox.configuration import for_import, for_preview, holds_secrets
from limen.sandbox.document import PreviewState
from limen.sandbox.errors import SandboxError
from limen.sandbox.stripping import PLACEHOLDER

ONLY = "LIMEN_PREVIEW_ONLY"
# Ways to the host, to the true state and its secrets, and to the ledger behind the API.
_FOREIGN = (
    "LIBVIRT_DEFAULT_URI",
    "LIMEN_DATABASE_URL",
    "LIMEN_DATABASE_URL_FILE",
    "LIMEN_LIBVIRT_URI",
    "LIMEN_SSH_CONFIG",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
)


@dataclass(frozen=True)
class Prepared:
    """The environment of the previewing command, and the configuration's secrets that it does not have."""

    environment: Mapping[str, str]
    secrets: tuple[str, ...]


def prepare(folder: Path, program: Path, state: PreviewState, empty: str) -> Prepared:
    """Make backend, configuration and environment in `folder` for the Pulumi program in `program`.

    `empty` is the URI of the empty host. Nothing of `program` is changed. Raises `SandboxError`.
    """
    project = _document(program / "Pulumi.yaml")
    if project.get("name") != state.program:
        raise SandboxError(
            f"{program} holds the program {project.get('name')!r}, and the state is of {state.program!r}: "
            "give the program's folder with --cwd."
        )
    name = f"Pulumi.{state.stack}.yaml"
    configured = _document(program / str(project.get("stackConfigDir") or ".") / name, needed=False)
    own = folder / "program"
    backend = folder / "backend"
    passphrase = folder / "passphrase"
    for each in (own, backend):
        each.mkdir(mode=0o700)
    passphrase.touch(mode=0o600)
    passphrase.write_text(secrets.token_urlsafe())
    only = folder / "host.json"
    only.write_text(json.dumps({"uri": state.uri, "host": dict(state.host)}))
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _FOREIGN},
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
        "PULUMI_STACK": state.stack,
        "LIBVIRT_DEFAULT_URI": empty,
        ONLY: str(only),
    }
    # In a folder of its own: these commands write to the stack's configuration.
    (own / "Pulumi.yaml").write_text(yaml.safe_dump({"name": state.program, "runtime": "python"}))
    _pulumi(own, environment, "stack", "init", state.stack, "--no-select")
    if holds_secrets(configured):  # a second that most stacks need not wait
        _pulumi(own, environment, "config", "set", "--secret", "placeholder", PLACEHOLDER)
    sealed = _document(own / name)
    imported = for_import(state.exported, state.uri, sealed["encryptionsalt"])
    _pulumi(own, environment, "stack", "import", stdin=json.dumps(imported))
    placeholder = (sealed.get("config") or {}).get(f"{state.program}:placeholder", {}).get("secure", "")
    document, missing = for_preview(configured, sealed, placeholder, state.uri)
    configuration = folder / name
    configuration.write_text(yaml.safe_dump(document, sort_keys=False))
    return Prepared({**environment, "PULUMI_OPTION_CONFIG_FILE": str(configuration)}, tuple(missing))


def _document(path: Path, needed: bool = True) -> dict[str, Any]:
    if not needed and not path.exists():
        return {}
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SandboxError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise SandboxError(f"{path} holds no mapping.")
    return document


def _pulumi(folder: Path, environment: Mapping[str, str], *arguments: str, stdin: str = "") -> None:
    try:
        run_pulumi(folder, *arguments, stdin=stdin, environment=environment)
    except PulumiFailed as error:
        raise SandboxError(
            f"`pulumi {' '.join(arguments[:2])}` failed in the preview's sandbox: {error}"
        ) from error
