# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What a `pulumi preview --json` asks the quota check for; pure.

A claim that does not change is left out of a preview, so that one without any claim asks for nothing, unless
it makes libvirt resources that no Admission of Limen's stands before. One that was denied has no step of the
claim, but a diagnostic that says what was asked.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.limen.platform.plugins.module_utils.errors import InvalidInput

Json = dict[str, t.Any]

_QUESTION = "limen:question"
_CLAIM = "limen:index:QuotaClaim"
_ADMISSION = "limen:index:Admission::"
_CHARGEABLE = ("libvirt:index/domain:Domain", "libvirt:index/volume:Volume", "libvirt:index/network:Network")
_MADE = ("create", "replace", "create-replacement", "import", "import-replacement")
_GONE = ("delete", "delete-replaced", "remove-pending-replace", "discard")
# How the engine writes a value that it does not know yet.
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def questions(preview: t.Any, project: str | None) -> list[Json]:
    """The bodies to ask with, one for each claim that changes or was denied.

    `project` is the only one that the preview may name, None for any. Raises InvalidInput for what is not a
    preview, one that failed for another reason than a denial, and one that goes around the check.
    """
    if not isinstance(preview, dict) or not isinstance(preview.get("steps"), list):
        raise InvalidInput("The preview has no steps: make it with `pulumi preview --json`, not with `up`.")
    if failed := failure(preview):
        denied = [_charged_to(project, question) for question in _denied(preview)]
        if not denied:
            raise InvalidInput(failed)
        return denied
    steps = [step for step in preview["steps"] if isinstance(step, dict)]
    for step in steps:
        _check_admission(step)
    claims = [step for step in steps if _type(step) == _CLAIM and step.get("op") not in _GONE]
    return [_question(step["newState"].get("inputs") or {}, project) for step in claims]


def failure(preview: t.Any) -> str | None:
    """Why the preview itself failed, in the engine's words; None for one that did not."""
    errors = [str(each.get("message", "")).strip() for each in _diagnostics(preview, "error")]
    return "The preview itself failed: " + "\n".join(errors) if errors else None


def _denied(preview: Json) -> t.Iterator[Json]:
    """What the provider asked, and was denied."""
    for each in _diagnostics(preview, "info"):
        try:
            message = json.loads(each.get("message", ""))
        except ValueError:
            continue
        if isinstance(message, dict) and isinstance(message.get(_QUESTION), dict):
            yield message[_QUESTION]


def _diagnostics(preview: Json, severity: str) -> list[Json]:
    return [each for each in preview.get("diagnostics") or () if each.get("severity") == severity]


def _charged_to(project: str | None, question: Json) -> Json:
    named = question.get("project")
    if project is not None and named != project:
        raise InvalidInput(f"The preview is charged to project {named}, not to {project}.")
    return question


def _check_admission(step: Json) -> None:
    if _type(step) not in _CHARGEABLE or step.get("op") not in _MADE:
        return
    state = step["newState"]
    named = [*(state.get("dependencies") or ()), state.get("parent") or ""]
    named += [urn for urns in (state.get("propertyDependencies") or {}).values() for urn in urns]
    if not any(_ADMISSION in urn for urn in named):
        raise InvalidInput(
            f"{step.get('urn')} would be made without the quota check: declare it with pulumi_limen."
        )


def _type(step: Json) -> str:
    state = step.get("newState")
    return str(state.get("type", "")) if isinstance(state, dict) else ""


def _question(inputs: Json, project: str | None) -> Json:
    _charged_to(project, inputs)
    items = inputs.get("items")
    if not isinstance(items, dict) or not all(isinstance(item, dict) for item in items.values()):
        raise InvalidInput("The claim in the preview has no items: make the preview with this pulumi_limen.")
    return {
        "project": inputs.get("project"),
        "claim": inputs.get("claimId"),
        "host": inputs.get("host"),
        "items": [_item(key, item) for key, item in sorted(items.items())],
    }


def _item(key: str, item: Json) -> Json:
    bounds = item.get("upperBound") or {}
    amounts = {
        resource: {"upper": bounds.get(resource)} if amount == _UNKNOWN else amount
        for resource, amount in (item.get("amounts") or {}).items()
    }
    question = {
        "key": key,
        "kind": item.get("kind"),
        "name": _known(item.get("name"), key),
        "amounts": amounts,
    }
    if item.get("volume") is not None:
        # A question needs no real volume: its identity matters only once something is reserved.
        question["volume"] = _known(item["volume"], f"unknown/{key}")
    return question


def _known(value: t.Any, instead: str) -> t.Any:
    return instead if value == _UNKNOWN else value
