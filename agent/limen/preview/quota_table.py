"""A decision as a table: what is held before, at the peak and in the end."""

from typing import Any

from limen.preview import plain
from limen.preview.errors import NotAPreview
from limen.preview.model import Preview, QuotaRow
from limen.quota.decision_json import DecisionJson, LineJson
from limen.quota.errors import LimenError
from limen.quota.explain import from_json
from limen.quota.units import display_amount, parse_amount

HOW = "give the file that LIMEN_DECISION_FILE named for `pulumi preview`"


def read_decision(document: object, name: str) -> tuple[DecisionJson, dict[str, Any]]:
    """The decision and the question that was asked, {} if it is not told; raises NotAPreview."""
    try:
        decision = from_json(document)
    except LimenError as error:
        raise NotAPreview(f"{name} holds no decision: {HOW}. {error}") from error
    question = document.get("question") if isinstance(document, dict) else None
    return decision, question if isinstance(question, dict) else {}


def require_same(preview: Preview, decision: DecisionJson, question: dict[str, Any], denied: bool) -> None:
    """Refuse a decision that was taken for another preview: a file of yesterday must not say "fits"."""
    claim = question.get("claim")
    others = preview.claims and isinstance(claim, str) and claim not in preview.claims
    if others or decision["allowed"] == denied:
        raise NotAPreview(
            "The decision is that of another preview: remove its file before `pulumi preview`, and give both "
            "of one run."
        )


def rows(decision: DecisionJson, question: dict[str, Any]) -> tuple[QuotaRow, ...]:
    """One row a line of the decision, in its order."""
    wanted = _wanted(question)
    return tuple(_row(line, wanted) for line in decision["lines"])


def _row(line: LineJson, wanted: dict[str, int] | None) -> QuotaRow:
    resource, limit = line["resource"], line["limit"]
    before = int(line["used"]) + int(line["reserved"])
    others = before - int(line["before"])

    def shown(amount: int | None) -> str:
        return "" if amount is None else display_amount(max(0, amount), resource)

    return QuotaRow(
        scope=plain.line(f"{line['scope_kind']} {line['scope']}"),
        resource=resource,
        limit="none set" if limit is None else limit if limit == "unlimited" else shown(int(limit)),
        before=shown(before),
        peak="unknown" if line["after"] is None else shown(others + int(line["after"])),
        after=shown(None if wanted is None else others + wanted.get(resource, 0)),
        verdict={"fits": "fits", "warns": "over its soft limit", "denied": "denied"}[line["verdict"]],
    )


def _wanted(question: dict[str, Any]) -> dict[str, int] | None:
    """What the claim will hold in the end; None if the question is not told, or not in a known form."""
    sums: dict[str, int] = {}
    try:
        for item in question["items"]:
            for resource, amount in item["amounts"].items():
                sums[resource] = sums.get(resource, 0) + parse_amount(amount, resource)
    except (KeyError, TypeError, AttributeError, LimenError):
        return None
    return sums
