# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""Where ledger and hosts do not agree, and repairs as told."""

from __future__ import annotations

import typing as t

from ansible_collections.limen.platform.plugins.module_utils.amounts import format_amount
from ansible_collections.limen.platform.plugins.module_utils.client import Client
from ansible_collections.limen.platform.plugins.module_utils.errors import ApiError, InvalidInput
from ansible_collections.limen.platform.plugins.module_utils.running import Result

Options = t.Mapping[str, t.Any]
Json = dict[str, t.Any]

_SCAN_SECONDS = 30.0
_ACTS_ON = {"release": "ghost", "lower": "drift", "claim": "drift"}


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
    results = _foresee(told) if check_mode else _repair(client, told)
    done = {result["finding"] for result in results if result["done"]}
    failed = [f"{each['action']} {each['finding']}: {each['detail']}" for each in results if not each["done"]]
    facts = {"findings": findings, "unreachable": answer["unreachable"], "repairs": results}
    before = {each["id"]: drawn(each, None) for each in findings}
    actions = {each["finding"]: each["action"] for each in told if each["finding"] in done}
    after = {each["id"]: drawn(each, actions.get(each["id"])) for each in findings}
    after = {name: text for name, text in after.items() if text is not None}
    failure = "Not repaired: " + "; ".join(failed) if failed else None
    return Result(bool(done), facts, before, after, "findings", warnings, failure)


def chosen(findings: list[Json], rules: list[Json]) -> list[Json]:
    """`{finding, action}` for each finding that a rule names and that offers its action; first rule wins."""
    told: dict[str, str] = {}
    for rule in rules:
        matching = [each for each in findings if _matches(each, rule)]
        if rule["finding"] is not None and not matching:
            raise InvalidInput(f"There is no finding {rule['finding']} that offers {rule['action']}.")
        for each in matching:
            told.setdefault(each["id"], rule["action"])
    return [{"finding": finding, "action": action} for finding, action in told.items()]


def drawn(finding: Json, action: str | None) -> str | None:
    """One line of the diff: what is claimed and what is seen, or would be; None once they agree."""
    if action is not None:
        return None
    claimed, observed = _amounts_text(finding["claimed"]), _amounts_text(finding["observed"])
    return f"{finding['kind']} {finding['name']}: claimed {claimed}, seen {observed}"


def _check_rule(rule: Json) -> None:
    if rule["finding"] is not None and (rule["project"] is not None or rule["name"] is not None):
        raise InvalidInput("A repair names one finding, or project and name of many: not both.")


def _matches(finding: Json, rule: Json) -> bool:
    if rule["action"] not in finding["actions"]:
        return False
    if rule["finding"] is not None:
        return bool(finding["id"] == rule["finding"])
    return all(rule[name] is None or finding[name] == rule[name] for name in ("project", "name"))


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


def _repair(client: Client, told: list[Json]) -> list[Json]:
    if not told:
        return []
    results: list[Json] = client.post("reconcile", body={"repair": told}, wait_seconds=_SCAN_SECONDS)[
        "results"
    ]
    return results


def _foresee(told: list[Json]) -> list[Json]:
    """What the repairs will come to: what is seen is charged already, so that claiming it is admitted."""
    return [{**each, "done": True, "detail": None} for each in told]


def _amounts_text(amounts: t.Mapping[str, str]) -> str:
    written = [f"{name}={format_amount(int(amount), name)}" for name, amount in sorted(amounts.items())]
    return " ".join(written) or "nothing"
