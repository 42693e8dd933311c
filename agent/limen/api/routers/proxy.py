"""`/agent/HOST/...`: what a host's agent answers, for administrators who reach limen-api alone."""

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool

from limen.api.agents import PATHS
from limen.api.context import Caller, PartsIn, find_host
from limen.ledger.errors import NotFound

router = APIRouter(prefix="/agent", tags=["agents"])


@router.get("/{host}/{path:path}", response_class=Response)
async def ask_agent(host: str, path: str, caller: Caller, parts: PartsIn) -> Response:
    """`metrics`, `v1/system`, `v1/domains` or `healthz` of the host's agent.

    It shows every project's domains, so only administrators read it.
    """
    caller.require_administrator("quota:read")
    if path not in PATHS:
        raise NotFound(f"an agent answers {', '.join(sorted(PATHS))}: there is nothing else")
    found = await run_in_threadpool(find_host, parts.ledger, host)
    if found.agent_url is None:
        raise NotFound(f"it is not known where the agent of {found.name} is: say it with `limen host agent`")
    answer = await parts.agents.get(found.agent_url, path)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(answer.content, media_type=answer.media_type, headers=headers)
