# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Where ledger and hosts do not agree, and repairs as told."""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.errors import ApiError, InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.names import check_project_name
from ansible_collections.limen.platform.plugins.module_utils.running import Result

Options = t.Mapping[str, t.Any]
Json = dict[str, t.Any]

_SCAN_SECONDS = 30.0


def reconcile(client: Client, options: Options, check_mode: bool) -> Result:
    """Read the findings, and repair those that are told. Raises LimenError before anything is repaired."""
    rules = options["repair"] or []
    for rule in rules:
        _check_rule(rule)
    warnings = _scan(client, options["host"]) if options["scan"] else []
    answer = client.get("reconcile", host=options["host"])
    warnings += [
        f"Host {name} does not answer: what was last seen there stands." for name in answer["unreachable"]
    ]
    findings = answer["findings"]
    told = chosen(findings, rules)
    results = _repair(client, told, check_mode)
    done = {result["finding"] for result in results if result["done"]}
    failed = [f"{each['action']} {each['finding']}: {each['detail']}" for each in results if not each["done"]]
    facts = {"findings": findings, "unreachable": answer["unreachable"], "repairs": results}
    before = {each["id"]: drawn(each) for each in findings}
    after = {name: text for name, text in before.items() if name not in done}
    failure = "Not repaired: " + "; ".join(failed) if failed else None
    return Result(bool(done), facts, before, after, "findings", warnings, failure)


def chosen(findings: list[Json], rules: list[Json]) -> list[Json]:
    """The repairs as the API takes them: of each finding that a rule names and that offers its action.

    The first rule wins. Raises InvalidInput for a finding that is named, and not there or not offering it.
    """
    told: dict[str, Json] = {}
    for rule in rules:
        matching = [each for each in findings if _matches(each, rule)]
        if rule["finding"] is not None and not matching:
            raise InvalidInput(f"There is no finding {rule['finding']} that offers {rule['action']}.")
        for each in matching:
            repair = {"finding": each["id"], "action": rule["action"]}
            if rule["action"] == "adopt":
                repair["project"] = rule["project"]
            told.setdefault(each["id"], repair)
    return list(told.values())


def drawn(finding: Json) -> str:
    """One line of the diff: what is claimed and what is seen."""
    claimed, observed = _amounts_text(finding["claimed"]), _amounts_text(finding["observed"])
    return f"{finding['kind']} {finding['name']}: claimed {claimed}, seen {observed}"


def _check_rule(rule: Json) -> None:
    if rule["finding"] is not None and rule["name"] is not None:
        raise InvalidInput("A repair names a finding or a name: not both.")
    if rule["action"] == "adopt":
        if rule["project"] is None or (rule["finding"] is None and rule["name"] is None):
            raise InvalidInput("adopt needs the project that is charged, and the finding or name to adopt.")
        check_project_name(rule["project"])


def _matches(finding: Json, rule: Json) -> bool:
    if rule["action"] not in finding["actions"]:
        return False
    named = {"id": rule["finding"], "name": rule["name"]}
    if rule["action"] != "adopt":
        # For what is adopted, the project is the one that will be charged.
        named["project"] = rule["project"]
    return all(value is None or finding[field] == value for field, value in named.items())


def _scan(client: Client, host: str | None) -> list[str]:
    hosts = [host] if host is not None else [each["id"] for each in client.get("hosts")]
    warnings = []
    for each in hosts:
        try:
            body = {"wait_seconds": _SCAN_SECONDS}
            client.post("hosts", each, "scan", body=body, wait_seconds=_SCAN_SECONDS)
        except ApiError as error:
            # A host that does not answer keeps its last observation; one that is not known is a mistake.
            if error.code not in ("unavailable", "busy"):
                raise
            warnings.append(f"Not scanned: {error}")
    return warnings


def _repair(client: Client, told: list[Json], check_mode: bool) -> list[Json]:
    """What came of each repair, in check mode what would: the API decides both."""
    if not told:
        return []
    body = {"repair": told, "check": check_mode}
    results: list[Json] = client.post("reconcile", body=body, wait_seconds=_SCAN_SECONDS)["results"]
    return results


def _amounts_text(amounts: t.Mapping[str, str]) -> str:
    written = [f"{name}={format_amount(int(amount), name)}" for name, amount in sorted(amounts.items())]
    return " ".join(written) or "nothing"
