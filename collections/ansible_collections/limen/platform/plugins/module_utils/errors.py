# Copyright: Limen contributors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong between a module and limen-api: one family, each message a sentence on what to do."""

from __future__ import annotations

import typing as t


class LimenError(Exception):
    """Base of every error that the collection raises on purpose."""

    def facts(self) -> dict[str, t.Any]:
        """What a failed task returns besides its message."""
        return {}


class InvalidInput(LimenError):
    """A module was given something that can't be right; nothing was sent."""


class ApiUnavailable(LimenError):
    """limen-api gave no answer that can be used: treat what was asked as not admitted."""


class ApiError(LimenError):
    """limen-api refused a request.

    `problem` is the RFC 9457 document it answered, `status` the HTTP status, `code` the problem's code
    (`not_found`, `stale_generation`, ...).
    """

    def __init__(self, problem: t.Mapping[str, t.Any]) -> None:
        self.problem = dict(problem)
        self.status = int(problem.get("status", 0))
        self.code = str(problem.get("code", "unknown"))
        super().__init__(_sentence(self.problem))

    def facts(self) -> dict[str, t.Any]:
        return {"problem": {name: value for name, value in self.problem.items() if name != "decision"}}


def conflict(detail: str) -> ApiError:
    """What the API would answer, for check mode: it must not promise what can't be done."""
    return ApiError({"status": 409, "code": "conflict", "detail": detail})


class QuotaDenied(ApiError):
    """The quota check denied the request; `decision` is the decision JSON, its text is the message."""

    def __init__(self, decision: t.Mapping[str, t.Any]) -> None:
        self.decision = dict(decision)
        text = str(decision.get("text", "The quota check denied this request."))
        super().__init__({"status": 403, "code": "quota_denied", "detail": text})

    def facts(self) -> dict[str, t.Any]:
        return {"decision": self.decision}


def _sentence(problem: t.Mapping[str, t.Any]) -> str:
    text = str(problem.get("detail") or problem.get("title") or "limen-api refused the request.")
    if problem.get("code") == "unauthenticated":
        text += " Check api_token, api_token_file, LIMEN_TOKEN and LIMEN_TOKEN_FILE."
    errors = problem.get("errors")
    if isinstance(errors, list) and errors:
        places = [f"{error.get('path', '')}: {error.get('message', '')}" for error in errors]
        text += " " + "; ".join(places)
    return text
