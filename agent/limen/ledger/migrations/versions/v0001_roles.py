from limen.ledger.migrations import run

revision = "0001_roles"
down_revision = None


def upgrade() -> None:
    run("0001_roles.sql")
