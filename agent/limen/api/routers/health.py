"""Whether the API runs, whether it can decide, and its metrics. Open to all."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from limen.api.answering import answering
from limen.api.context import PartsIn
from limen.api.schemas import answers
from limen.api.schemas.fields import Json

router = APIRouter(tags=["health"])


@router.get("/healthz", **answering(answers.State))
def health() -> Json:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", **answering(answers.State))
def readiness(parts: PartsIn) -> Json:
    """The database answers and is migrated; otherwise a problem `unavailable`."""
    parts.ledger.ready()
    return {"status": "ready"}


@router.get("/metrics", response_class=Response)
def metrics(parts: PartsIn) -> Response:
    """Prometheus text."""
    return Response(parts.metrics.text(), media_type=CONTENT_TYPE_LATEST)
