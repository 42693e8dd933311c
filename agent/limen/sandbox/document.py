"""What `limen preview-state` writes and `limen preview-sandbox` reads: a state for previews, as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from limen.sandbox.errors import InvalidState
from limen.sandbox.stripping import strip

FORMAT = "limen-preview-state"
VERSION = 1


@dataclass(frozen=True)
class PreviewState:
    """A stack's state without secrets, and what stands for its host.

    `program` and `stack` are Pulumi's names of project and stack; `uri` and `host` (what the provider's
    getHostCapabilities answers there) are empty for a stack on no host. `secrets` and `notes` as `Stripped`.
    """

    program: str
    stack: str
    uri: str
    host: Mapping[str, Any]
    secrets: tuple[str, ...]
    notes: tuple[str, ...]
    exported: Mapping[str, Any]


def to_json(state: PreviewState) -> dict[str, Any]:
    lists = {"secrets": list(state.secrets), "notes": list(state.notes)}
    return {"format": FORMAT, "version": VERSION, **asdict(state), **lists}


def from_json(document: object) -> PreviewState:
    """The state in a JSON document; raises `InvalidState`. It is stripped again."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise InvalidState("This is no state for previews: give the file that `limen preview-state` wrote.")
    if document.get("version") != VERSION:
        raise InvalidState(
            f"This state for previews is of version {document.get('version')!r}, and this limen reads "
            f"{VERSION}: write it anew with this version's `limen preview-state`."
        )
    texts = {name: document.get(name) for name in ("program", "stack", "uri")}
    lists = {name: document.get(name) for name in ("secrets", "notes")}
    host = document.get("host")
    right = all(isinstance(each, str) for each in texts.values()) and isinstance(host, Mapping)
    if not right or not all(isinstance(each, list) for each in lists.values()):
        raise InvalidState("This state for previews is damaged: write it anew with `limen preview-state`.")
    return PreviewState(
        program=str(texts["program"]),
        stack=str(texts["stack"]),
        uri=str(texts["uri"]),
        host=dict(host) if isinstance(host, Mapping) else {},
        secrets=tuple(str(each) for each in lists["secrets"] or ()),
        notes=tuple(str(each) for each in lists["notes"] or ()),
        exported=strip(document.get("exported")).exported,
    )


def names(exported: Mapping[str, Any]) -> tuple[str, str] | None:
    """Pulumi's names of project and stack, by the first URN of the state; None where it holds nothing."""
    for record in exported["deployment"]["resources"]:
        stack, _, rest = str(record.get("urn", "")).removeprefix("urn:pulumi:").partition("::")
        program = rest.partition("::")[0]
        if stack and program:
            return program, stack
    return None


def address(exported: Mapping[str, Any]) -> str | None:
    """How the stack's resources reach their host; None where none of them is on one."""
    for record in exported["deployment"]["resources"]:
        uri = (record.get("inputs") or {}).get("libvirtUri")
        if isinstance(uri, str) and uri:
            return uri
    return None
