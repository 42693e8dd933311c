"""The tree of projects."""

from uuid import UUID

import pytest

from limen.ledger import Ledger
from limen.ledger.errors import Conflict, NotFound
from limen.quota.errors import InvalidSpec
from tests.contract.ledger.world import limits, request


def _vms(ledger: Ledger, project: str) -> int:
    return {each.resource: each.used + each.reserved for each in ledger.limits.quota(project).resources}[
        "vms"
    ]


def test_names_are_checked_and_taken_once(ledger: Ledger) -> None:
    ledger.projects.create("demo", None, "ada")
    with pytest.raises(Conflict):
        ledger.projects.create("demo", None, "ada")
    with pytest.raises(InvalidSpec):
        ledger.projects.create("Demo", None, "ada")
    with pytest.raises(NotFound):
        ledger.projects.create("child", "nowhere", "ada")
    assert [project.name for project in ledger.projects.list()] == ["demo"]


def test_a_moved_project_takes_its_descendants_and_charges_along(
    ledger: Ledger, demo: str, host: UUID
) -> None:
    ledger.projects.create("child", demo, "ada")
    ledger.projects.create("other", None, "ada")
    for name in ("child", "other"):
        ledger.limits.put(name, limits(4), "ada")
    claim = ledger.claims.create(request("child", host, 2), "ada").claim
    assert ledger.projects.move(demo, "other", "ada").chain == (demo, "other")
    assert ledger.projects.get("child").chain == ("child", demo, "other")
    assert [_vms(ledger, name) for name in ("child", demo, "other", "team")] == [2, 2, 2, 0]
    ledger.claims.release(claim.id, 1, "ada")
    assert _vms(ledger, "other") == 0
    assert ledger.projects.move(demo, None, "ada").parent is None


def test_no_move_makes_a_cycle(ledger: Ledger, demo: str) -> None:
    ledger.projects.create("child", demo, "ada")
    for parent in ("child", demo):
        with pytest.raises(Conflict, match="below"):
            ledger.projects.move(demo, parent, "ada")
    assert ledger.projects.get("child").chain == ("child", demo, "team")


def test_only_an_empty_project_is_deleted(ledger: Ledger, demo: str, host: UUID) -> None:
    claim = ledger.claims.create(request(demo, host), "ada").claim
    with pytest.raises(Conflict, match="projects below"):
        ledger.projects.delete("team", "ada")
    with pytest.raises(Conflict, match="release them"):
        ledger.projects.delete(demo, "ada")
    ledger.claims.release(claim.id, 1, "ada")
    ledger.projects.delete(demo, "ada")
    with pytest.raises(NotFound):
        ledger.projects.get(demo)
    assert "project.delete" in [entry.action for entry in ledger.audit.list(project=demo)]


def test_the_audit_of_a_project_takes_in_what_is_below_it(ledger: Ledger, demo: str) -> None:
    entries = ledger.audit.list(project="team")
    assert {entry.project for entry in entries} == {"team", demo}
    assert [entry.id for entry in entries] == sorted((entry.id for entry in entries), reverse=True)
    older = ledger.audit.list(project="team", before=entries[0].id, limit=1)
    assert older == (entries[1],)
