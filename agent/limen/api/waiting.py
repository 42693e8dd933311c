"""Waiting for a scan without holding a worker thread."""

import asyncio
import time
from uuid import UUID

from fastapi.concurrency import run_in_threadpool

from limen.api.context import Parts
from limen.ledger.errors import Busy
from limen.ledger.values import ScanResult
from limen.quota.errors import LimenError

_SLICE = 0.2


async def scan_within(parts: Parts, host: UUID, seconds: float) -> LimenError | None:
    """Wait for a scan that begins after this call; returns why there was none in time."""
    give_up = time.monotonic() + seconds
    try:
        answer = asyncio.wrap_future(await run_in_threadpool(parts.observers.request, host))
        answer.add_done_callback(_retrieve)
        # In slices, since a process that is told to end must not be held up. `wait` leaves the scan alone
        # when the time is over: others may share it.
        while not answer.done():
            if parts.observers.ending:
                return Busy("limen-api is ending: ask again.")
            left = give_up - time.monotonic()
            if left <= 0:
                return Busy("No scan of the host ended in time: ask again.")
            await asyncio.wait({answer}, timeout=min(left, _SLICE))
        answer.result()
    except LimenError as error:
        return error
    return None


def _retrieve(answer: asyncio.Future[ScanResult]) -> None:
    """Look at the outcome even if whoever asked is gone: asyncio complains of errors that nobody looks at."""
    if not answer.cancelled():
        answer.exception()
