"""Every committed state of a ledger: triggers, in tests alone, that write each row change down."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import psycopg

TABLES = ("projects", "limits", "capacities", "claims", "items", "charges", "audit")

_INSTALL = """
CREATE TABLE journal (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    name text NOT NULL, old jsonb, new jsonb);
CREATE FUNCTION journal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO journal (name, old, new) VALUES (TG_TABLE_NAME, to_jsonb(OLD), to_jsonb(NEW));
    RETURN NULL;
END $$;
"""
_TRIGGER = """
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON {0} FOR EACH ROW EXECUTE FUNCTION journal();
INSERT INTO journal (name, new) SELECT '{0}', to_jsonb({0}) FROM {0};
"""


@dataclass
class Transaction:
    """What one committed transaction changed: (table, old row, new row), in order."""

    id: int
    rows: list[tuple[str, dict[str, Any] | None, dict[str, Any] | None]] = field(default_factory=list)

    @property
    def actions(self) -> set[str]:
        """What the audit log says was done."""
        return {str(new["action"]) for name, _, new in self.rows if name == "audit" and new is not None}


def install(url: str) -> None:
    """Write down everything from now on; what is there already is the first transaction."""
    with psycopg.connect(url) as connection:
        connection.execute(_INSTALL)
        for table in TABLES:
            connection.execute(_TRIGGER.format(table))


def read(url: str) -> list[Transaction]:
    """Committed transactions in the order in which they wrote.

    Two that share a counter wrote one after the other, since its row is locked until the commit; the order of
    two that share nothing does not matter.
    """
    found: dict[int, Transaction] = defaultdict(lambda: Transaction(0))
    with psycopg.connect(url) as connection:
        for tx, name, old, new in connection.execute(
            "SELECT tx::text::bigint, name, old, new FROM journal ORDER BY seq"
        ):
            found[tx].id = tx
            found[tx].rows.append((name, old, new))
    return list(found.values())
