from limen.ledger.migrations import run

revision = "0003_rights"
down_revision = "0002_ledger"


def upgrade() -> None:
    run("0003_rights.sql")
