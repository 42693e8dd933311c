from limen.ledger.migrations import run

revision = "0006_agents"
down_revision = "0005_retention"


def upgrade() -> None:
    run("0006_agents.sql")
