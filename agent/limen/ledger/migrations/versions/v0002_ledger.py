from limen.ledger.migrations import run

revision = "0002_ledger"
down_revision = "0001_roles"


def upgrade() -> None:
    run("0002_ledger.sql")
