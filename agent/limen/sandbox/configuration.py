"""A stack's configuration for a preview that can open none of its secrets. Pure."""

from collections.abc import Mapping
from typing import Any

from limen.sandbox.errors import SandboxError

URI = "libvirt:uri"
PROVIDER = "pulumi:providers:libvirt"
_SEALED = "secure"
# How secrets are sealed is the sandbox's own matter, and it knows no environments of a Pulumi service.
_SETTINGS = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")


def holds_secrets(document: Mapping[str, Any]) -> bool:
    """Whether any value in the document of Pulumi.STACK.yaml is sealed."""
    secrets: list[str] = []
    _replace(document.get("config"), "", "", secrets)
    return bool(secrets)


def for_preview(
    document: Mapping[str, Any], own: Mapping[str, Any], sealed: str, uri: str
) -> tuple[dict[str, Any], list[str]]:
    """The document of Pulumi.STACK.yaml for the preview, and the names of the secrets in it.

    `own` is the sandbox's document of that name, `sealed` the placeholder as it seals it, `uri` that of the
    stack's host. The empty host's URI comes by the environment, so the configuration has none. Raises
    `SandboxError` where the stack moves to another host.
    """
    secrets: list[str] = []
    config = document.get("config") or {}
    if not isinstance(config, Mapping):
        raise SandboxError("`config` in the stack's configuration is no mapping.")
    replaced = {name: _replace(value, str(name), sealed, secrets) for name, value in config.items()}
    if replaced.pop(URI, uri) != uri:
        raise SandboxError(
            f"The configuration moves the stack to another host ({URI}). This preview knows the host "
            "that the stack is on: a move has to be previewed by somebody who may reach both."
        )
    kept = {name: value for name, value in document.items() if name not in (*_SETTINGS, "config")}
    return {**kept, **{name: own[name] for name in _SETTINGS if name in own}, "config": replaced}, secrets


def for_import(exported: Mapping[str, Any], uri: str, salt: str) -> dict[str, Any]:
    """The state for the sandbox's backend, which seals secrets with a passphrase and this salt.

    The libvirt providers of the stack's host lose its URI as the configuration does, and show no change.
    """
    deployment = exported["deployment"]
    resources = [
        {
            **record,
            **{part: _without(record[part], uri) for part in ("inputs", "outputs") if part in record},
        }
        if record.get("type") == PROVIDER
        else record
        for record in deployment["resources"]
    ]
    sealing = {"type": "passphrase", "state": {"salt": salt}}
    return {
        **exported,
        "deployment": {**deployment, "resources": resources, "secrets_providers": sealing},
    }


def _without(properties: Mapping[str, Any], uri: str) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if (name, value) != ("uri", uri)}


def _replace(value: Any, where: str, sealed: str, secrets: list[str]) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {_SEALED}:
            secrets.append(where)
            return {_SEALED: sealed}
        return {name: _replace(each, f"{where}.{name}", sealed, secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [_replace(each, f"{where}[{index}]", sealed, secrets) for index, each in enumerate(value)]
    return value
