"""A stack's exported state without its secrets. Pure; the format is Pulumi's deployment, version 3 or 4."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from limen.sandbox.errors import InvalidState

SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a signature of the format, no password
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
# Assets, archives, references to resources. An object that is signed in another way is taken for a secret:
# it may come from a later Pulumi.
_HARMLESS = frozenset(
    (
        "c44067f5952c0a294b673a41bacd8c17",
        "0def7320c3a5731c473e5ecbe6d01bc7",
        "5cf8f73096256a8f31e491e813e4eb8e",
    )
)
PLACEHOLDER = "[a secret that this preview does not have]"
_VERSIONS = (3, 4)
# What a preview does not read of a state: how secrets are sealed, and operations that were never finished.
_DROPPED = ("secrets_providers", "pending_operations")
_INIT_ERROR = "It was not finished; what was said then is left out."


@dataclass(frozen=True)
class Stripped:
    """What is left: `exported` as `pulumi stack import` takes it, each secret's place, and what else is
    different, a sentence each."""

    exported: dict[str, Any]
    secrets: tuple[str, ...]
    notes: tuple[str, ...]


def strip(exported: object) -> Stripped:
    """The state in `exported`, what `pulumi stack export` printed, without any secret.

    A secret's value becomes a placeholder, secret as well, so that a program whose configuration has the same
    placeholder shows no change. Raises `InvalidState`.
    """
    if not isinstance(exported, Mapping) or exported.get("version") not in _VERSIONS:
        raise InvalidState(
            f"This is no state of a stack in one of the formats {_VERSIONS}: give what `pulumi stack export` "
            "prints."
        )
    deployment = exported.get("deployment")
    if not isinstance(deployment, Mapping):
        raise InvalidState("This state has no deployment: give what `pulumi stack export` prints.")
    resources = deployment.get("resources") or []
    if not isinstance(resources, Sequence) or not all(isinstance(each, Mapping) for each in resources):
        raise InvalidState("The resources of this state are no list of objects.")
    secrets: list[str] = []
    kept = [_resource(each, secrets) for each in resources]
    rest = {
        name: _walk(value, name, secrets)
        for name, value in deployment.items()
        if name not in (*_DROPPED, "resources")
    }
    notes = []
    if pending := len(deployment.get("pending_operations") or ()):
        notes.append(
            f"{pending} interrupted operation(s) are left out: they have to be cleared up before the next "
            "`pulumi up` (`limen recover STACK`)."
        )
    return Stripped(
        {
            **{name: exported[name] for name in ("version", "features") if name in exported},
            "deployment": {**rest, "resources": kept},
        },
        tuple(secrets),
        tuple(notes),
    )


def _resource(record: Mapping[str, Any], secrets: list[str]) -> dict[str, Any]:
    where = str(record.get("urn", "?"))
    return {
        # Errors quote what they like. That there were some is a reason for an update.
        name: [_INIT_ERROR] * len(value)
        if name == "initErrors" and isinstance(value, list)
        else _walk(value, f"{where} {name}", secrets)
        for name, value in record.items()
    }


def _walk(value: Any, where: str, secrets: list[str]) -> Any:
    if isinstance(value, Mapping):
        if _is_secret(value):
            secrets.append(where)
            return {SIGNATURE: _SECRET, "plaintext": f'"{PLACEHOLDER}"'}
        return {name: _walk(each, f"{where}.{name}", secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [_walk(each, f"{where}[{index}]", secrets) for index, each in enumerate(value)]
    return value


def _is_secret(value: Mapping[str, Any]) -> bool:
    if "ciphertext" in value:
        return True
    signature = value.get(SIGNATURE)
    if signature is None or signature in _HARMLESS:
        return False
    return signature != _OUTPUT or bool(value.get("secret"))
