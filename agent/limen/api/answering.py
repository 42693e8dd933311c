"""How routes tell OpenAPI what they answer, without parsing their own answers at every request."""

from typing import Any

from fastapi.responses import JSONResponse

from limen.api.schemas.answers import Problem


def answering(model: Any, status: int = 200) -> dict[str, Any]:
    """Options of a route that answers a document of `model`, or a problem document."""
    return {
        "status_code": status,
        "response_model": None,
        "responses": {status: {"model": model}, "default": {"model": Problem, "description": "A problem"}},
    }


def document(content: Any, status: int = 200) -> JSONResponse:
    """An answer that is JSON already.

    FastAPI would walk through all of a returned dict first, which takes longer than to validate the request.
    """
    return JSONResponse(content, status)
