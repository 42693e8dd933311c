"""The engine's digest, `pulumi preview --json`, into values. What policy packs said is in `events` only."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from limen.preview import plain, urns
from limen.preview.errors import NotAPreview
from limen.preview.model import Change, Diagnostic, Preview

Json = Mapping[str, Any]

CLAIM, ADMISSION = "limen:index:QuotaClaim", "limen:index:Admission"
CHARGEABLE = ("libvirt:index/domain:Domain", "libvirt:index/volume:Volume", "libvirt:index/network:Network")
QUESTION = "limen:question"
"""How the provider tells programs what it asked the quota check; see docs/architecture.md."""

_FIELDS = frozenset(("config", "steps", "diagnostics", "duration", "changeSummary", "maybeCorrupt"))
_QUIET = frozenset(("same", "read", "refresh", "read-discard"))
_FOLDED = {
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard-replaced": "replace",
    "read-replacement": "replace",
    "import-replacement": "replace",
    "remove-pending-replace": "replace",
}
_MADE = ("create", "replace", "import")
_ORDER = ("create", "import", "update", "replace", "delete")
# How the engine writes a value that it does not know yet.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_PREFIXES = ("error: ", "warning: ", "info: ")


def read_preview(document: object) -> Preview:
    """A preview; raises NotAPreview for JSON of another kind."""
    digest = _mapping(document)
    if not digest or not set(digest) <= _FIELDS or ("steps" not in digest and "diagnostics" not in digest):
        raise NotAPreview(
            "This JSON is no preview: give the output of `pulumi preview --json`, not that of `up`, an "
            "export of a stack or an event log."
        )
    steps = _list(digest, "steps")
    for step in steps:
        if not isinstance(step.get("op"), str) or not isinstance(step.get("urn"), str):
            raise NotAPreview(
                "A step of this preview has no op and urn: make it with `pulumi preview --json`."
            )
    diagnostics = _list(digest, "diagnostics")
    program, stack = _where([*(step["urn"] for step in steps), *(each.get("urn") for each in diagnostics)])
    changes = _changes(steps)
    return Preview(
        program=program,
        stack=stack,
        changes=changes,
        counts=_counts(changes),
        summary=dict(_mapping(digest.get("changeSummary"))),
        diagnostics=tuple(_diagnostics(diagnostics)),
        claims=frozenset(_claims(steps, diagnostics)),
        unchecked=tuple(sorted(_unchecked(steps))),
        unknown=tuple(_unknown(steps)),
    )


def _changes(steps: Sequence[Json]) -> tuple[Change, ...]:
    """Sorted, since the engine's order differs from run to run; a replacement's three steps are one."""
    found: dict[tuple[str, str], Change] = {}
    for step in steps:
        if step["op"] not in _QUIET and "pulumi:pulumi:Stack" not in step["urn"]:
            change = _change(step)
            kept = found.get((change.op, change.urn))
            if kept is None or len(change.properties) + len(change.reasons) > len(kept.properties) + len(
                kept.reasons
            ):
                found[change.op, change.urn] = change
    return tuple(sorted(found.values(), key=lambda change: (change.op, change.type, change.name, change.urn)))


def _change(step: Json) -> Change:
    old, new = _mapping(step.get("oldState")), _mapping(step.get("newState"))
    state = new or old
    urn = urns.parse(step["urn"])
    paths = [*_mapping(step.get("detailedDiff")), *_texts(step.get("diffReasons"))]
    return Change(
        op=plain.line(_FOLDED.get(step["op"], step["op"])),
        urn=plain.line(step["urn"], 4 * plain.NAME),
        type=plain.line(urn.type),
        name=plain.line(urn.name),
        parent=plain.line(state.get("parent"), 4 * plain.NAME),
        properties=_names(paths),
        reasons=_names(_texts(step.get("replaceReasons"))),
        custom=state.get("custom") is not False,
        retained=old.get("retainOnDelete") is True,
    )


def _names(paths: Sequence[str]) -> tuple[str, ...]:
    """Top-level properties: what stands below them may name secrets."""
    names = {plain.line(path.partition(".")[0].partition("[")[0]) for path in paths}
    return tuple(sorted(names - {""}))


def _counts(changes: Sequence[Change]) -> dict[str, int]:
    """Changes by operation, in a fixed order."""
    counts = Counter(change.op for change in changes)
    known = [op for op in _ORDER if op in counts]
    return {op: counts[op] for op in (*known, *sorted(set(counts) - set(known)))}


def _diagnostics(found: Sequence[Json]) -> Iterator[Diagnostic]:
    """By resource, since the engine works on several at once; what one resource said stays in its order."""
    said = set()
    for each in sorted(found, key=lambda each: str(each.get("urn", ""))):
        text = str(each.get("message", ""))
        for prefix in _PREFIXES:
            text = text.removeprefix(prefix)
        diagnostic = Diagnostic(
            severity=plain.line(each.get("severity")),
            urn=plain.line(each.get("urn"), 4 * plain.NAME),
            message=plain.lines(text),
        )
        if diagnostic.message and diagnostic not in said:
            said.add(diagnostic)
            yield diagnostic


def _claims(steps: Sequence[Json], diagnostics: Sequence[Json]) -> Iterator[str]:
    for step in steps:
        for state in (_mapping(step.get("newState")), _mapping(step.get("oldState"))):
            claim = _mapping(state.get("inputs")).get("claimId")
            if state.get("type") in (CLAIM, ADMISSION) and isinstance(claim, str) and claim != _UNKNOWN:
                yield claim
    for each in diagnostics:
        claim = _question(each).get("claim")
        if isinstance(claim, str):
            yield claim


def _question(diagnostic: Json) -> Json:
    try:
        return _mapping(_mapping(json.loads(diagnostic.get("message", ""))).get(QUESTION))
    except (ValueError, TypeError, RecursionError):
        return {}


def _unchecked(steps: Sequence[Json]) -> Iterator[str]:
    for step in steps:
        state = _mapping(step.get("newState"))
        if state.get("type") not in CHARGEABLE or _FOLDED.get(step["op"], step["op"]) not in _MADE:
            continue
        named = [*_texts(state.get("dependencies")), str(state.get("parent", ""))]
        for dependencies in _mapping(state.get("propertyDependencies")).values():
            named += _texts(dependencies)
        if not any(urns.parse(each).type == ADMISSION for each in named):
            yield f"{plain.line(urns.short_type(state['type']))} {plain.line(urns.parse(step['urn']).name)}"


def _unknown(steps: Sequence[Json]) -> Iterator[str]:
    for step in steps:
        state = _mapping(step.get("newState"))
        items = _mapping(_mapping(state.get("inputs")).get("items")) if state.get("type") == CLAIM else {}
        for key, item in sorted(items.items()):
            bounds = _mapping(_mapping(item).get("upperBound"))
            for resource, amount in sorted(_mapping(_mapping(item).get("amounts")).items()):
                if amount == _UNKNOWN:
                    bound = plain.line(bounds.get(resource)) or "its upper bound"
                    yield (
                        f"How much {plain.line(resource)} {plain.line(key)} will have is not known yet: "
                        f"it counts with {bound}."
                    )


def _where(found: Sequence[object]) -> tuple[str, str]:
    """Names of the program and the stack, "" where nothing says them."""
    for text in found:
        if isinstance(text, str) and (urn := urns.parse(text)).stack:
            return plain.line(urn.program), plain.line(urn.stack)
    return "", ""


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _list(document: Json, name: str) -> list[Json]:
    value = document.get(name)
    if value is not None and not isinstance(value, list):
        raise NotAPreview(f"The {name} of this preview are no list: make it with `pulumi preview --json`.")
    return [each for each in value or () if isinstance(each, dict)]


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
