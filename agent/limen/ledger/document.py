"""What a transaction writes, as one JSON document for one statement."""

import json
from typing import Any
from uuid import UUID

from limen.ledger.rows import charges
from limen.ledger.statements import write
from limen.ledger.values import Claim, ClaimItem
from limen.ledger.view import View

Row = dict[str, Any]


class Document:
    """Rows to write, by part; see `statements.write`."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Row]] = {}

    def add(self, part: str, row: Row) -> None:
        """One more row of `part`."""
        self._parts.setdefault(part, []).append(row)

    def add_changes(self, view: View) -> None:
        """Everything that was put into `view`.

        Sorted, so that inserts of two transactions meet in one order.
        """
        for claim_id in sorted(view.touched):
            before, after = view.touched[claim_id]
            self._add_claim(before, after, view)
        for (scope_id, resource), delta in view.deltas.items():
            if not delta.used and not delta.reserved:
                continue
            row = {"resource": resource, "used": delta.used, "reserved": delta.reserved}
            if view.standings[scope_id, resource].scope.kind == "project":
                self.add("limits", {"project_id": int(scope_id), **row})
            else:
                self.add("capacities", {"host_id": scope_id, **row})

    def statement(self, view: View) -> tuple[str, tuple[str]] | None:
        """The statement and its parameter; None when there is nothing to write."""
        if not self._parts:
            return None
        text = json.dumps({"now": view.now.isoformat(), **self._parts}, separators=(",", ":"))
        return _statement(frozenset(self._parts)), (text,)

    def _add_claim(self, before: Claim | None, after: Claim, view: View) -> None:
        row: Row = {
            "id": str(after.id),
            "project_id": view.project(after.project).id,
            "owner_kind": after.owner.kind,
            "owner_name": after.owner.name,
            "backend": after.fingerprint.backend,
            "stack_project": after.fingerprint.project,
            "stack": after.fingerprint.stack,
            "host_id": str(after.host),
            "generation": after.generation,
            "state": after.state,
            "fences": after.fences,
            "updated": after.updated.isoformat(),
        }
        if before is None:
            self.add("claims_new", {**row, "created": after.created.isoformat()})
        elif _without_items(before) != _without_items(after):
            self.add("claims", row)
        old = {} if before is None else {item.key: item for item in before.items}
        for item in after.items:
            self._add_item(after.id, old.pop(item.key, None), item)
        for key in old:
            self.add("items_gone", {"claim_id": str(after.id), "key": key})

    def _add_item(self, claim_id: UUID, before: ClaimItem | None, item: ClaimItem) -> None:
        if before == item:
            return
        identity = {"claim_id": str(claim_id), "key": item.key}
        self.add(
            "items",
            {
                **identity,
                "kind": item.kind,
                "name": item.name,
                "host_id": str(item.host),
                "uuid": str(item.uuid),
                "volume": item.volume,
                "snapshot": item.snapshot,
                "state": item.state,
                "deadline": None if item.deadline is None else item.deadline.isoformat(),
                "fence": item.fence,
                "seen": item.seen,
                "released": item.released,
            },
        )
        old = {} if before is None else {row[0]: row for row in charges(before)}
        for row in charges(item):
            if old.pop(row[0], None) != row:
                resource, claimed, observed = row
                self.add(
                    "charges", {**identity, "resource": resource, "claimed": claimed, "observed": observed}
                )
        for resource in old:
            self.add("charges_gone", {**identity, "resource": resource})


_statements: dict[frozenset[str], str] = {}


def _statement(parts: frozenset[str]) -> str:
    """One text a combination of parts: the same object each time, so that psycopg finds it prepared."""
    if parts not in _statements:
        _statements[parts] = write(parts)
    return _statements[parts]


def _without_items(claim: Claim) -> tuple[Any, ...]:
    return (
        *(claim.project, claim.owner, claim.fingerprint, claim.host, claim.generation, claim.state),
        *(claim.fences, claim.updated),
    )
