"""The ledger: PostgreSQL rows <-> the quota model.

    with Ledger.open("postgresql:///limen?host=/run/limen") as ledger:
        ledger.claims.create(request, actor="ada", idempotency_key="k-1")

`Ledger` holds one thread-safe object a noun. Every method is synchronous and may be called from any thread
(from asyncio: `anyio.to_thread.run_sync`); it raises only errors of `limen.ledger.errors` and of
`limen.quota.errors`. `actor` is the user's name for the audit log.

Migrations: `limen.ledger.migrate.migrate(url)`, `limen.ledger.version.status(url)`.
"""

from limen.ledger.ledger import Ledger as Ledger
