"""Items: reserved, building, committed, lapsing, gone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from limen.ledger import Ledger, transitions
from limen.ledger.errors import Conflict, Denied, Invalid, NotAdmitted, NotFound
from limen.ledger.values import Claim, ItemRequest, Lapsed, ScanResult
from limen.quota.model import Limit, Seen
from tests.contract.ledger.world import GIB, add_host, request

Scan = Callable[..., ScanResult]
VM = "vm:web-0"


@pytest.fixture
def claim(ledger: Ledger, demo: str, host: UUID) -> Claim:
    """One machine, reserved."""
    return ledger.claims.create(request(demo, host, memory=2 * GIB), "ada").claim


@pytest.fixture
def scan(ledger: Ledger, host: UUID) -> Scan:
    """Apply a scan of the host that sees these things."""

    def run(*seen: Seen, begun: datetime | None = None) -> ScanResult:
        return ledger.observations.apply_scan(host, seen, begun or ledger.observations.begin_scan(host))

    return run


def _vm(claim: Claim, memory: int = 2 * GIB) -> Seen:
    item = claim.item(VM)
    assert item is not None
    return Seen("vm", item.identity, item.name, {"vms": 1, "vcpus": 1, "memory": memory})


def _disk(claim: Claim) -> Seen:
    item = claim.item("disk:web-0")
    assert item is not None
    return Seen("disk", item.identity, item.name, {"disk": 10 * GIB})


def _build(ledger: Ledger, claim: Claim, memory: int = 2 * GIB) -> int:
    amounts = {"vms": 1, "vcpus": 1, "memory": memory}
    return ledger.claims.admit_item(claim.id, VM, amounts, claim.host, "ada").fence


def _states(ledger: Ledger, claim: Claim) -> dict[str, str]:
    return {item.key: item.state for item in ledger.claims.get(claim.id).items}


def _memory(ledger: Ledger, project: str = "team") -> tuple[int, int]:
    standing = {each.resource: each for each in ledger.limits.quota(project).resources}["memory"]
    return standing.used // GIB, standing.reserved // GIB


def test_from_reserved_to_committed(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    assert _states(ledger, claim) == {VM: "reserved", "disk:web-0": "reserved"}
    assert _build(ledger, claim) > 0
    assert _states(ledger, claim)[VM] == "building"
    assert _memory(ledger) == (0, 2)
    assert scan(_vm(claim), _disk(claim)).committed == 2
    assert _states(ledger, claim) == {VM: "committed", "disk:web-0": "committed"}
    assert _memory(ledger) == (2, 0)


def test_building_lowers_what_is_claimed_to_what_is_built(ledger: Ledger, claim: Claim) -> None:
    _build(ledger, claim, memory=GIB)
    assert _memory(ledger) == (0, 1)
    assert ledger.claims.get(claim.id).generation == claim.generation


def test_more_than_is_admitted_is_not_built(ledger: Ledger, claim: Claim) -> None:
    with pytest.raises(NotAdmitted, match="2GiB"):
        _build(ledger, claim, memory=3 * GIB)
    elsewhere = add_host(ledger, 1)
    with pytest.raises(NotAdmitted, match="host"):
        ledger.claims.admit_item(claim.id, VM, {"vms": 1}, elsewhere, "ada")
    with pytest.raises(NotAdmitted, match="not reserved"):
        ledger.claims.admit_item(claim.id, "vm:other", {"vms": 1}, claim.host, "ada")
    with pytest.raises(NotFound):
        ledger.claims.admit_item(uuid4(), VM, {"vms": 1}, claim.host, "ada")


def test_a_builder_that_was_replaced_is_told_so(ledger: Ledger, claim: Claim) -> None:
    first = _build(ledger, claim)
    second = _build(ledger, claim)
    assert second > first
    amounts = {"vms": 1, "vcpus": 1, "memory": GIB}
    with pytest.raises(NotAdmitted, match="another builder"):
        ledger.claims.admit_item(claim.id, VM, amounts, claim.host, "ada", fence=first)
    assert ledger.claims.admit_item(claim.id, VM, amounts, claim.host, "ada", fence=second).fence == second


def test_a_heartbeat_moves_the_deadline_of_its_own_items(
    ledger: Ledger, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    fence = _build(ledger, claim)
    monkeypatch.setattr(transitions, "RESERVATION", timedelta(hours=1))
    before = ledger.claims.get(claim.id)
    ledger.claims.heartbeat(claim.id, [])
    after = ledger.claims.get(claim.id)
    assert after.item(VM) == before.item(VM)
    assert after.item("disk:web-0") != before.item("disk:web-0"), (
        "what nobody builds yet waits for its builder"
    )
    deadline = ledger.claims.heartbeat(claim.id, [fence])
    item = ledger.claims.get(claim.id).item(VM)
    assert item is not None
    assert item.deadline == deadline


def test_what_lapses_stays_charged_until_a_later_scan_shows_nothing(
    ledger: Ledger, claim: Claim, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transitions, "RESERVATION", timedelta(0))
    _build(ledger, claim)
    begun_before = ledger.observations.begin_scan(claim.host)
    ledger.claims.heartbeat(claim.id, [])  # the deadline of the disk is now, after that scan begun
    assert ledger.claims.lapse().claims == 1
    assert _states(ledger, claim) == {VM: "lapsing", "disk:web-0": "lapsing"}
    assert _memory(ledger) == (0, 2)
    scan(begun=begun_before)
    assert _states(ledger, claim) == {"disk:web-0": "lapsing"}
    scan()
    assert _memory(ledger) == (0, 0)
    lapsed = ledger.claims.get(claim.id)
    assert (lapsed.state, lapsed.items) == ("released", ())


def test_who_looks_at_deadlines_is_told_when_to_look_again(
    ledger: Ledger, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 < (ledger.claims.lapse().next_deadline or 0) <= transitions.RESERVATION.total_seconds()
    fence = _build(ledger, claim)  # due in two minutes
    monkeypatch.setattr(transitions, "RESERVATION", timedelta(0))
    ledger.claims.heartbeat(claim.id, [])  # the disk is due now
    found = ledger.claims.lapse()
    assert found.claims == 1
    assert 0 < (found.next_deadline or 0) <= 120
    ledger.claims.heartbeat(claim.id, [fence])
    ledger.claims.lapse()
    assert ledger.claims.lapse() == Lapsed(0, None)


def test_a_late_builder_keeps_what_a_scan_finds(
    ledger: Ledger, claim: Claim, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transitions, "RESERVATION", timedelta(0))
    _build(ledger, claim)
    ledger.claims.lapse()
    assert _states(ledger, claim)[VM] == "lapsing"
    scan(_vm(claim))
    assert _states(ledger, claim)[VM] == "committed"


def test_a_lapsed_item_is_not_built_until_it_is_admitted_again(
    ledger: Ledger, claim: Claim, demo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(transitions, "RESERVATION", timedelta(0))
        ledger.claims.heartbeat(claim.id, [])
        ledger.claims.lapse()
    with pytest.raises(NotAdmitted):
        _build(ledger, claim)
    again = request(demo, claim.host, claim=claim.id, memory=2 * GIB)
    ledger.claims.change(again, claim.generation, "ada")
    _build(ledger, claim)


def test_the_charge_goes_down_when_the_host_shows_it_gone_and_not_before(
    ledger: Ledger, claim: Claim, scan: Scan
) -> None:
    _build(ledger, claim)
    scan(_vm(claim), _disk(claim))
    left = ledger.claims.settle_item(claim.id, VM, "ada")
    assert left is not None
    assert (left.state, left.charge) == ("lapsing", {"vms": 1, "vcpus": 1, "memory": 2 * GIB})
    scan(_vm(claim), _disk(claim))
    assert _memory(ledger) == (2, 0)
    scan(_disk(claim))
    assert _memory(ledger) == (0, 0)
    assert _states(ledger, claim) == {"disk:web-0": "committed"}
    assert ledger.claims.settle_item(claim.id, VM, "ada") is None


def test_a_builder_that_was_replaced_gives_nothing_up(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    first = _build(ledger, claim)
    scan(_vm(claim), _disk(claim))
    second = _build(ledger, claim)
    before = ledger.claims.get(claim.id)
    kept = ledger.claims.settle_item(claim.id, VM, "ada", fence=first)
    assert kept == before.item(VM)
    assert ledger.claims.get(claim.id) == before
    left = ledger.claims.settle_item(claim.id, VM, "ada", fence=second)
    assert left is not None
    assert left.released


def test_what_was_reserved_anew_is_not_given_up_by_its_old_builder(
    ledger: Ledger, claim: Claim, scan: Scan, demo: str
) -> None:
    fence = _build(ledger, claim)
    ledger.claims.release(claim.id, 1, "ada")
    scan()
    again = request(demo, claim.host, claim=claim.id, memory=2 * GIB)
    renewed = ledger.claims.change(again, 2, "ada").claim
    assert ledger.claims.settle_item(claim.id, VM, "ada", fence=fence) == renewed.item(VM)


def test_releasing_what_is_being_built_waits_for_a_scan(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    _build(ledger, claim)
    released = ledger.claims.release(claim.id, 1, "ada")
    assert released.state == "released"
    assert [item.key for item in released.items] == [VM], "nobody built the disk"
    assert _memory(ledger) == (0, 2)
    scan(_vm(claim, memory=GIB))
    assert _memory(ledger) == (1, 0)
    scan()
    assert _memory(ledger) == (0, 0)
    assert ledger.claims.release(claim.id, 1, "ada").items == (), "a second release changes nothing"


def test_drift_is_charged_and_can_only_shrink(ledger: Ledger, claim: Claim, scan: Scan, demo: str) -> None:
    _build(ledger, claim)
    scan(_vm(claim, memory=5 * GIB))
    assert _memory(ledger, demo) == (5, 0), "over the limit of 4, as the host shows it"
    assert {finding.kind for finding in ledger.observations.findings()} == {"drift"}
    smaller = request(demo, claim.host, claim=claim.id, memory=2 * GIB)
    assert ledger.claims.change(smaller, 1, "ada").claim.charge["memory"] == 5 * GIB
    scan(_vm(claim, memory=GIB))
    assert _memory(ledger, demo) == (2, 0)


def test_an_older_scan_is_ignored(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    old = ledger.observations.begin_scan(claim.host)
    _build(ledger, claim)
    assert scan(_vm(claim), _disk(claim)).applied
    assert not scan(begun=old).applied
    assert _states(ledger, claim) == {VM: "committed", "disk:web-0": "committed"}


def test_a_failed_scan_changes_nothing(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    scan(_vm(claim), _disk(claim))
    before = ledger.claims.get(claim.id)
    ledger.observations.fail_scan(claim.host, ledger.observations.begin_scan(claim.host), "no route to host")
    assert ledger.claims.get(claim.id) == before


def test_an_event_settles_one_thing_and_leaves_the_rest(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    scan(_vm(claim), _disk(claim))
    ledger.claims.settle_item(claim.id, VM, "ada")
    begun = ledger.observations.begin_scan(claim.host)
    result = ledger.observations.apply_partial(claim.host, [], [("vm", _vm(claim).identity)], begun)
    assert result.removed == 1
    assert _states(ledger, claim) == {"disk:web-0": "committed"}


def test_a_scan_begun_before_an_event_does_not_undo_it(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    _build(ledger, claim)
    begun = ledger.observations.begin_scan(claim.host)
    later = ledger.observations.begin_scan(claim.host)
    ledger.observations.apply_partial(claim.host, [_vm(claim)], [], later)
    scan(begun=begun)
    item = ledger.claims.get(claim.id).item(VM)
    assert item is not None
    assert (item.state, item.observed["memory"]) == ("committed", 2 * GIB)


def test_findings_name_orphans_ghosts_and_duplicates(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    scan(_vm(claim), _disk(claim))
    scan(_vm(claim), Seen("disk", "default/stray", "stray", {"disk": 7 * GIB}))
    elsewhere = add_host(ledger, 1)
    ledger.observations.apply_scan(elsewhere, [_vm(claim)], ledger.observations.begin_scan(elsewhere))
    found = {(each.kind, each.host, each.name) for each in ledger.observations.findings()}
    assert found == {
        ("orphan", claim.host, "stray"),
        ("ghost", claim.host, "web-0"),
        ("duplicate", elsewhere, "web-0"),
    }
    assert ledger.hosts.get(claim.host).resources["disk"].orphans == 7 * GIB
    assert ledger.hosts.get(elsewhere).resources["memory"].orphans == 2 * GIB
    assert _memory(ledger) == (2, 0), "a duplicate is charged to its host alone"


def test_a_successor_takes_over_a_volume_that_was_released(
    ledger: Ledger, claim: Claim, scan: Scan, demo: str
) -> None:
    scan(_vm(claim), _disk(claim))
    ledger.claims.release(claim.id, 1, "ada")
    wanted = request(demo, claim.host, memory=GIB)
    disk = next(item for item in wanted.items if item.kind == "disk")
    heir = ledger.claims.create(
        replace(wanted, items=(replace(disk, volume=_disk(claim).identity),)), "ada"
    ).claim
    scan(_disk(claim))
    assert ledger.claims.get(claim.id).items == ()
    item = ledger.claims.get(heir.id).item("disk:web-0")
    assert item is not None
    assert item.state == "committed"


def test_a_snapshot_lives_like_any_other_item(ledger: Ledger, claim: Claim, scan: Scan, demo: str) -> None:
    ledger.limits.put(demo, {"snapshots": Limit(1)}, "ada")
    ledger.limits.put("team", {"snapshots": Limit(1)}, "ada")
    before = ItemRequest(
        "snapshot:web-0", "snapshot", "before", {"snapshots": 1}, snapshot=f"{uuid4()}/before"
    )
    wanted = replace(request(demo, claim.host), items=(before,))
    held = ledger.claims.create(wanted, "ada").claim
    after = replace(before, key="snapshot:after", snapshot=f"{uuid4()}/after")
    with pytest.raises(Denied, match="snapshot"):
        ledger.claims.create(replace(request(demo, claim.host), items=(after,)), "ada")
    for project in (demo, "team"):
        ledger.limits.put(project, {"snapshots": Limit(2)}, "ada")
    with pytest.raises(Conflict, match="another claim holds"):
        ledger.claims.create(replace(request(demo, claim.host), items=(before,)), "ada")

    seen = Seen("snapshot", str(before.snapshot), "before", {"snapshots": 1, "disk": 0})
    assert scan(_vm(claim), _disk(claim), seen).orphans == 0
    assert _states(ledger, held) == {"snapshot:web-0": "committed"}
    assert ledger.observations.findings() == (), "a snapshot that holds no disk has not drifted"
    ledger.claims.settle_item(held.id, "snapshot:web-0", "ada")
    scan(_vm(claim), _disk(claim))
    assert _states(ledger, held) == {}


def test_an_item_says_which_snapshot_it_is(ledger: Ledger, demo: str, host: UUID) -> None:
    nameless = ItemRequest("snapshot:a", "snapshot", "a", {"snapshots": 1})
    with pytest.raises(Invalid, match="DOMAIN-UUID/NAME"):
        ledger.claims.create(replace(request(demo, host), items=(nameless,)), "ada")


def test_forgetting_a_host_ends_its_charges(ledger: Ledger, claim: Claim, scan: Scan) -> None:
    scan(_vm(claim), _disk(claim))
    ledger.hosts.forget(claim.host, "ada")
    assert _memory(ledger) == (0, 0)
    assert ledger.claims.get(claim.id).items == ()
    assert ledger.hosts.list() == ()
    entry = ledger.audit.list(limit=1)[0]
    assert (entry.action, entry.detail["ended"]) == ("host.forget", {str(claim.id): ["disk:web-0", VM]})
