"""The application: parts, middleware, routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio.to_thread
from fastapi import FastAPI

from limen.api import problems
from limen.api.agents import Agents
from limen.api.context import Parts
from limen.api.metrics import Metrics
from limen.api.middleware import BoundedBody, Observed
from limen.api.observers import Observers
from limen.api.routers import (
    adoptions,
    agents,
    audit,
    claims,
    health,
    hosts,
    projects,
    proxy,
    quota,
    reconcile,
    tokens,
    users,
)
from limen.api.settings import Settings
from limen.ledger import Ledger

# Claims wait in threads for their group's commit; the ledger's pool is larger than this.
WORKER_THREADS = 64


def create_app(ledger: Ledger, settings: Settings) -> FastAPI:
    """An application on an open ledger, which stays the caller's to close."""
    metrics = Metrics()
    metrics.watch_pool(ledger.pool.stats)
    observers = Observers(ledger, metrics, settings)
    hosts_agents = Agents(settings.agent_token_file, settings.agent_ca_file)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = WORKER_THREADS
        observers.start()
        try:
            yield
        finally:
            observers.stop()
            await hosts_agents.close()

    app = FastAPI(
        title="Limen",
        version=version("limen"),
        description="The one authority that admits: quota, claims and hosts.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.parts = Parts(ledger, observers, metrics, hosts_agents)
    problems.install(app)
    app.add_middleware(BoundedBody)
    app.add_middleware(Observed, metrics=metrics)
    people = (health, users, tokens, projects, quota, hosts, claims, audit, reconcile, adoptions)
    for part in (*people, agents, proxy):
        app.include_router(part.router)
    return app
