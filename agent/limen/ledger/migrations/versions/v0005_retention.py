from limen.ledger.migrations import run

revision = "0005_retention"
down_revision = "0004_snapshots"


def upgrade() -> None:
    run("0005_retention.sql")
