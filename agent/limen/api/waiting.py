"""Waiting for a scan without holding a worker thread."""

import asyncio
from uuid import UUID

from fastapi.concurrency import run_in_threadpool

from limen.api.context import Parts
from limen.quota.errors import LimenError


async def scan_within(parts: Parts, host: UUID, seconds: float) -> str | None:
    """Wait for a scan that begins after this call; a sentence says why there was none in time."""
    try:
        answer = await run_in_threadpool(parts.observers.request, host)
        # The scan is shared: one caller's time-out must not cancel it for the others.
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(answer)), max(0.0, seconds))
    except TimeoutError:
        return "No scan of the host ended in time: ask again."
    except LimenError as error:
        return str(error)
    return None
