"""Where admissions are asked for: the ledger in the client's own process, or limen-api over HTTP."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from limen.client import Client
from limen.ledger import Ledger
from limen.ledger.pool import Settings
from limen.ledger.values import ClaimRequest, ItemRequest
from tests.bench.setting import TREES, leaf
from tests.lab import ports
from tests.lab.service import Service

USER = "bench"
Admit = Callable[[ClaimRequest], object]


@dataclass(frozen=True)
class LedgerDoor:
    """The database itself; the clients of a process share its pool and its groups, as in limen-api."""

    url: str
    settings: Settings

    @contextmanager
    def open(self) -> Iterator[Callable[[], Admit]]:
        """What makes a client of this process."""
        with Ledger.open(self.url, self.settings) as ledger:
            yield lambda: lambda request: ledger.claims.create(request, USER)


@dataclass(frozen=True)
class ApiDoor:
    """limen-api; every client has its own kept-alive connection."""

    url: str
    token: str

    @contextmanager
    def open(self) -> Iterator[Callable[[], Admit]]:
        """What makes a client of this process."""
        with ExitStack() as clients:

            def connect() -> Admit:
                client = clients.enter_context(Client(self.url, self.token, timeout=30.0))
                return lambda request: client.create_claim(str(request.id), **_arguments(request))

            yield connect


Door = LedgerDoor | ApiDoor


@contextmanager
def api(url: str, folder: Path) -> Iterator[ApiDoor]:
    """A limen-api process on the database at `url`, and an operator of every tree's lowest project.

    Raises LabError when it does not start.
    """
    with Ledger.open(url) as ledger:
        ledger.users.create(USER, False, actor=USER)
        for tree in range(TREES):
            ledger.users.put_role(leaf(tree), USER, "operator", actor=USER)
        token = ledger.tokens.issue(USER, ["claims:write"], None, timedelta(days=1), actor=USER)[1]
    address = f"127.0.0.1:{ports.free('127.0.0.1')}"
    program = (sys.executable, "-c", "from limen.api.main import main; main()")
    service = Service(
        "limen-api",
        folder / "api",
        (*program, "--listen", address, "--scan-interval", "3600"),
        f"http://{address}/readyz",
    )
    service.up({"LIMEN_DATABASE_URL": url})
    try:
        yield ApiDoor(f"http://{address}", token)
    finally:
        service.down()


def _arguments(request: ClaimRequest) -> dict[str, Any]:
    return {
        "project": request.project,
        "owner": {"kind": request.owner.kind, "name": request.owner.name},
        "fingerprint": {
            "backend": request.fingerprint.backend,
            "project": request.fingerprint.project,
            "stack": request.fingerprint.stack,
        },
        "host": str(request.host),
        "items": [_item(item) for item in request.items],
    }


def _item(item: ItemRequest) -> dict[str, Any]:
    amounts = {resource: str(amount) for resource, amount in item.amounts.items()}
    volume = {} if item.volume is None else {"volume": item.volume}
    return {"key": item.key, "kind": item.kind, "name": item.name, "amounts": amounts, **volume}
