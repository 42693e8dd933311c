"""What can go wrong between a program and limen-api."""

from collections.abc import Mapping
from typing import Any

from limen.quota.errors import LimenError


class ClientMisconfigured(LimenError):
    """URL, token or CA file are missing or can't be used; nothing was sent."""


class ApiUnavailable(LimenError):
    """limen-api gave no answer that can be used: treat what was asked as not admitted."""


class ApiError(LimenError):
    """limen-api refused a request.

    `problem` is the RFC 9457 document it answered, `status` the HTTP status, `code` the problem's code
    (`not_found`, `stale_generation`, ...).
    """

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        self.status = int(problem.get("status", 0))
        self.code = str(problem.get("code", "unknown"))
        super().__init__(_sentence(self.problem))


class QuotaDenied(ApiError):
    """The quota check denied the request; `decision` is the decision JSON, its text is the message."""

    def __init__(self, decision: Mapping[str, Any], problem: Mapping[str, Any] | None = None) -> None:
        self.decision = dict(decision)
        detail = {"detail": str(decision.get("text", "The quota check denied this request."))}
        super().__init__({"status": 403, "code": "quota_denied", **(problem or {}), **detail})


def _sentence(problem: Mapping[str, Any]) -> str:
    text = str(problem.get("detail") or problem.get("title") or "limen-api refused the request")
    errors = problem.get("errors")
    if isinstance(errors, list) and errors:
        places = [f"{error.get('path', '')}: {error.get('message', '')}" for error in errors]
        text = f"{text} {'; '.join(places)}"
    return text
