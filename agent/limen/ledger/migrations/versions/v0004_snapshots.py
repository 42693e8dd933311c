from limen.ledger.migrations import run

revision = "0004_snapshots"
down_revision = "0003_rights"


def upgrade() -> None:
    run("0004_snapshots.sql")
