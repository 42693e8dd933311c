"""Every error as an RFC 9457 problem document: the one place where errors become HTTP statuses."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from limen.hypervisor.errors import HypervisorError, HypervisorUnavailable
from limen.ledger.errors import Busy, Denied, LedgerError, StaleGeneration
from limen.quota.errors import LimenError

STATUS: Mapping[str, int] = {
    "unauthenticated": 401,
    "forbidden": 403,
    "quota_denied": 403,
    "not_found": 404,
    "conflict": 409,
    "stale_generation": 409,
    "fingerprint_mismatch": 409,
    "not_admitted": 409,
    "invalid": 422,
    "internal": 500,
    "busy": 503,
    "unavailable": 503,
}
_TITLES: Mapping[str, str] = {
    "unauthenticated": "No valid token",
    "forbidden": "Not allowed",
    "quota_denied": "The quota check denied this",
    "not_found": "Not found",
    "conflict": "Conflict with what there is",
    "stale_generation": "The claim was changed meanwhile",
    "fingerprint_mismatch": "The claim belongs to another stack",
    "not_admitted": "Not admitted",
    "invalid": "Invalid request",
    "internal": "Internal error",
    "busy": "Busy, try again",
    "unavailable": "Not available",
}
_FRAMEWORK_CODES: Mapping[int, str] = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    503: "unavailable",
}


class Forbidden(LimenError):
    """The caller is known and may not do this."""


class InvalidRequest(LimenError):
    """The request can't be right; `errors` holds (path, message) pairs."""

    def __init__(self, message: str, errors: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


def problem(code: str, detail: str, **extra: Any) -> JSONResponse:
    """A problem document; `extra` fields stand beside the standard ones."""
    status = STATUS[code]
    body = {
        "type": f"urn:limen:problem:{code}",
        "title": _TITLES[code],
        "status": status,
        "detail": detail,
        "code": code,
        **extra,
    }
    return JSONResponse(body, status, _headers(code, extra), media_type="application/problem+json")


def problem_of(error: LimenError) -> JSONResponse:
    """The problem document of one of our errors."""
    match error:
        case Denied():
            return problem("quota_denied", str(error), decision=error.decision)
        case Busy():
            return problem("busy", str(error), retry_after=error.retry_after)
        case StaleGeneration():
            return problem("stale_generation", str(error), current=error.current)
        case LedgerError():
            return problem(error.code, str(error))
        case Forbidden():
            return problem("forbidden", str(error))
        case InvalidRequest():
            errors = [{"path": path, "message": message} for path, message in error.errors]
            return problem("invalid", str(error), errors=errors)
        case HypervisorUnavailable():
            return problem("unavailable", str(error))
        case HypervisorError():
            return problem("conflict", str(error))
        case _:
            return problem("invalid", str(error), errors=[])


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    app.add_exception_handler(LimenError, _on_limen_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_framework_error)


async def _on_limen_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, LimenError):
        raise error
    return problem_of(error)


async def _on_validation_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [{"path": _path(each["loc"]), "message": str(each["msg"])} for each in error.errors()]
    return problem("invalid", "Correct what is listed in errors; nothing was changed.", errors=errors)


async def _on_framework_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = _FRAMEWORK_CODES.get(error.status_code, "invalid")
    answer = problem(code, f"{error.detail}." if error.detail else _TITLES[code], errors=[])
    if error.status_code == 405:
        answer.status_code = 405
    return answer


def _headers(code: str, extra: Mapping[str, Any]) -> dict[str, str] | None:
    if code == "unauthenticated":
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(extra.get("retry_after", 1))} if STATUS[code] == 503 else None


def _path(location: Sequence[int | str]) -> str:
    """`body.items.0.amounts` without the word for where it came from."""
    parts = [str(part) for part in location]
    return ".".join(
        parts[1:] if len(parts) > 1 and parts[0] in ("body", "query", "path", "header") else parts
    )
