"""Claims: reserved all or nothing, grown, moved, released."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from limen.ledger import Ledger
from limen.ledger.errors import (
    Busy,
    Conflict,
    Denied,
    FingerprintMismatch,
    LedgerError,
    NotFound,
    StaleGeneration,
)
from limen.ledger.pool import Settings
from limen.ledger.values import ClaimRequest, Fingerprint
from limen.quota.errors import LimenError
from limen.quota.explain import explanation
from limen.quota.model import UNLIMITED, Bounds, Limit
from tests.contract.ledger.world import GIB, add_host, host_id, limits, request


def _left(ledger: Ledger, project: str) -> dict[str, int | None]:
    return {each.resource: each.left for each in ledger.limits.quota(project).resources}


def _reserved(ledger: Ledger, project: str, resource: str = "vms") -> int:
    return {each.resource: each.used + each.reserved for each in ledger.limits.quota(project).resources}[
        resource
    ]


def test_a_claim_is_charged_to_its_project_every_ancestor_and_the_host(
    ledger: Ledger, demo: str, host: UUID
) -> None:
    admitted = ledger.claims.create(request(demo, host, 2), "ada")
    assert admitted.decision["allowed"]
    assert admitted.claim == ledger.claims.get(admitted.claim.id)
    assert admitted.claim.charge == {"vms": 2, "vcpus": 2, "memory": 2 * GIB, "disk": 20 * GIB}
    assert _left(ledger, demo) == {"vms": 2, "vcpus": 2, "memory": 2 * GIB, "disk": 20 * GIB}
    assert _left(ledger, "team")["vms"] == 4
    assert ledger.hosts.get(host).resources["memory"].reserved == 2 * GIB


def test_what_does_not_fit_is_denied_whole_and_audited(ledger: Ledger, demo: str, host: UUID) -> None:
    wanted = request(demo, host, 5)
    with pytest.raises(Denied) as caught:
        ledger.claims.create(wanted, "ada")
    decision = caught.value.decision
    assert {(line["scope"], line["resource"]) for line in decision["violations"] if "scope" in line} == {
        (demo, resource) for resource in ("vms", "vcpus", "memory", "disk")
    }
    assert decision["violations"][0]["reason"] == "over_hard"
    assert _left(ledger, demo)["vms"] == 4
    entry = ledger.audit.list(limit=1)[0]
    assert (entry.action, entry.allowed, entry.claim) == ("claim.create", False, wanted.id)
    with pytest.raises(NotFound):
        ledger.claims.get(wanted.id)


def test_an_ancestor_denies_what_the_project_itself_would_admit(
    ledger: Ledger, demo: str, host: UUID
) -> None:
    ledger.projects.create("other", "team", "ada")
    ledger.limits.put("other", limits(10), "ada")
    ledger.claims.create(request("other", host, 4), "ada")
    with pytest.raises(Denied) as caught:
        ledger.claims.create(request(demo, host, 3), "ada")
    assert {line["scope"] for line in caught.value.decision["violations"] if "scope" in line} == {"team"}


def test_unlimited_admits_everything_and_no_limit_nothing(ledger: Ledger, demo: str, host: UUID) -> None:
    everything: dict[str, Limit | None] = dict.fromkeys(("vms", "vcpus", "memory", "disk"), Limit(UNLIMITED))
    ledger.limits.put(demo, everything, "ada")
    ledger.limits.put("team", everything, "ada")
    ledger.claims.create(request(demo, host, 50), "ada")
    ledger.limits.put("team", {"vcpus": None}, "ada")
    with pytest.raises(Denied) as caught:
        ledger.claims.create(request(demo, host), "ada")
    reasons = [
        (v["scope"], v["resource"], v["reason"]) for v in caught.value.decision["violations"] if "scope" in v
    ]
    assert reasons == [("team", "vcpus", "no_limit")]


def test_a_limit_that_was_unlimited_counts_what_is_held_already(
    ledger: Ledger, demo: str, host: UUID
) -> None:
    ledger.limits.put(demo, {"vms": Limit(UNLIMITED)}, "ada")
    ledger.claims.create(request(demo, host, 3), "ada")
    ledger.limits.put(demo, {"vms": Limit(3)}, "ada")
    assert _left(ledger, demo)["vms"] == 0
    with pytest.raises(Denied):
        ledger.claims.create(request(demo, host), "ada")


def test_a_host_is_full_before_the_project_is(ledger: Ledger, demo: str) -> None:
    small = add_host(ledger, 1, vms=1)
    with pytest.raises(Denied) as caught:
        ledger.claims.create(request(demo, small, 2), "ada")
    lines = [line for line in caught.value.decision["violations"] if "scope" in line]
    assert {line["scope_kind"] for line in lines} == {"host"}
    with pytest.raises(NotFound, match="no host"):
        ledger.claims.create(request(demo, host_id(7)), "ada")


def test_bounds_of_the_parent_bind_each_vm(ledger: Ledger, demo: str, host: UUID) -> None:
    ledger.limits.put_bounds("team", {"memory": Bounds(maximum=2 * GIB)}, "ada")
    ledger.limits.put_bounds(demo, {"memory": Bounds(minimum=GIB)}, "ada")
    assert ledger.limits.quota(demo).bounds["memory"] == Bounds(GIB, 2 * GIB)
    with pytest.raises(Denied) as caught:
        ledger.claims.create(request(demo, host, memory=3 * GIB), "ada")
    assert [v["reason"] for v in caught.value.decision["violations"]] == ["above_maximum"]
    claim = ledger.claims.create(request(demo, host, memory=2 * GIB), "ada").claim
    ledger.limits.put_bounds("team", {"memory": Bounds(maximum=GIB)}, "ada")
    same = request(demo, host, claim=claim.id, memory=2 * GIB)
    assert ledger.claims.change(same, 1, "ada").claim.generation == 2, "no increase is no violation"


def test_over_soft_warns_and_starts_the_clock_and_denies_after_grace(
    ledger: Ledger, demo: str, host: UUID
) -> None:
    ledger.limits.put(demo, {"vms": Limit(4, soft=1, grace=timedelta(hours=1))}, "ada")
    first = ledger.claims.create(request(demo, host, 2), "ada")
    assert [line["reason"] for line in first.decision["warnings"]] == ["over_soft"]
    standing = ledger.limits.quota(demo).resources[0]
    assert standing.soft_since is not None
    ledger.limits.put(demo, {"vms": Limit(4, soft=1, grace=timedelta(0))}, "ada")
    with pytest.raises(Denied) as caught:
        ledger.claims.create(request(demo, host), "ada")
    assert caught.value.decision["violations"][0]["reason"] == "grace_over"
    ledger.claims.release(first.claim.id, 1, "ada")
    assert ledger.limits.quota(demo).resources[0].soft_since is None


def test_a_change_grows_and_leaves_alone_what_it_does_not_name(ledger: Ledger, demo: str, host: UUID) -> None:
    claim = ledger.claims.create(request(demo, host, 2), "ada").claim
    smaller_and_new = request(demo, host, 1, claim=claim.id, memory=GIB // 2, first=0)
    after = ledger.claims.change(smaller_and_new, 1, "ada").claim
    assert after.charge == claim.charge
    grown = request(demo, host, 1, claim=claim.id, memory=2 * GIB, first=1)
    after = ledger.claims.change(grown, 2, "ada").claim
    assert after.generation == 3
    assert after.charge["memory"] == 3 * GIB
    assert _reserved(ledger, "team", "memory") == 3 * GIB


def test_a_renamed_item_is_no_new_item(ledger: Ledger, demo: str, host: UUID) -> None:
    wanted = request(demo, host)
    claim = ledger.claims.create(wanted, "ada").claim
    renamed = replace(wanted, items=(replace(wanted.items[0], name="mail"), *wanted.items[1:]))
    after = ledger.claims.change(renamed, 1, "ada").claim
    assert [item.name for item in after.items] == ["web-0", "mail"]
    assert after.charge == claim.charge


def test_a_late_update_is_refused_with_the_generation_there_is(ledger: Ledger, demo: str, host: UUID) -> None:
    wanted = request(demo, host)
    ledger.claims.create(wanted, "ada")
    ledger.claims.change(wanted, 1, "ada")
    late: list[Callable[[], object]] = [
        lambda: ledger.claims.change(wanted, 1, "ada"),
        lambda: ledger.claims.transfer(wanted.id, 1, "team", "ada"),
        lambda: ledger.claims.release(wanted.id, 1, "ada"),
    ]
    for call in late:
        with pytest.raises(StaleGeneration) as caught:
            call()
        assert caught.value.current == 2


def test_another_stack_must_ask_for_a_takeover_which_is_audited(
    ledger: Ledger, demo: str, host: UUID
) -> None:
    wanted = request(demo, host)
    ledger.claims.create(wanted, "ada")
    other = replace(wanted, fingerprint=Fingerprint("file:///elsewhere", "vm_stack", "dev"))
    with pytest.raises(FingerprintMismatch):
        ledger.claims.change(other, 1, "eve")
    after = ledger.claims.change(replace(other, takeover=True), 1, "eve").claim
    assert after.fingerprint == other.fingerprint
    entry = ledger.audit.list(limit=1)[0]
    assert (entry.actor, entry.detail["takeover"]["to"][0]) == ("eve", "file:///elsewhere")


def test_a_transfer_counts_where_it_goes_but_not_for_a_shared_ancestor(
    ledger: Ledger, demo: str, host: UUID
) -> None:
    ledger.projects.create("other", "team", "ada")
    ledger.limits.put("other", limits(2), "ada")
    claim = ledger.claims.create(request(demo, host, 3), "ada").claim
    with pytest.raises(Denied) as caught:
        ledger.claims.transfer(claim.id, 1, "other", "ada")
    assert {line["scope"] for line in caught.value.decision["violations"] if "scope" in line} == {"other"}
    ledger.limits.put("other", limits(3), "ada")
    ledger.limits.put("team", limits(3), "ada")
    moved = ledger.claims.transfer(claim.id, 1, "other", "ada").claim
    assert (moved.project, moved.generation) == ("other", 2)
    assert (_reserved(ledger, "other"), _reserved(ledger, "team")) == (3, 3)
    assert _left(ledger, demo)["vms"] == 4


def test_a_repeated_key_gives_the_first_answer(ledger: Ledger, demo: str, host: UUID) -> None:
    wanted = request(demo, host)
    first = ledger.claims.create(wanted, "ada", "k1")
    ledger.claims.change(request(demo, host, 2, claim=wanted.id), 1, "ada", "k2")
    again = ledger.claims.create(wanted, "ada", "k1")
    assert again.replayed
    assert (again.claim, again.decision) == (first.claim, first.decision)
    with pytest.raises(Conflict, match="Idempotency-Key"):
        ledger.claims.create(replace(wanted, project="team"), "ada", "k1")
    too_much = request(demo, host, 5)
    for _ in range(2):
        with pytest.raises(Denied):
            ledger.claims.create(too_much, "ada", "k3")
        ledger.limits.put(demo, limits(9), "ada")
    assert _reserved(ledger, demo) == 2


def test_an_id_is_created_once(ledger: Ledger, demo: str, host: UUID) -> None:
    wanted = request(demo, host)
    ledger.claims.create(wanted, "ada")
    with pytest.raises(Conflict, match="exists already"):
        ledger.claims.create(wanted, "ada")
    assert _reserved(ledger, demo) == 1


def test_two_claims_cannot_hold_one_volume(ledger: Ledger, demo: str, host: UUID) -> None:
    wanted = request(demo, host)
    ledger.claims.create(wanted, "ada")
    thief = replace(wanted, id=uuid4())
    with pytest.raises(Conflict, match="another claim"):
        ledger.claims.create(thief, "eve")
    assert _reserved(ledger, demo) == 1


def test_an_explanation_is_what_the_claim_is_then_told(ledger: Ledger, demo: str, host: UUID) -> None:
    wanted = request(demo, host, 2)
    told = explanation(ledger.claims.explain(wanted))
    admitted = ledger.claims.create(wanted, "ada")
    assert told == admitted.decision
    more = request(demo, host, 5, claim=wanted.id)
    told = explanation(ledger.claims.explain(more))
    with pytest.raises(Denied) as caught:
        ledger.claims.change(more, 1, "ada")
    assert told == caught.value.decision
    assert ledger.claims.explain_amounts(demo, {"vms": 2}).allowed
    assert not ledger.claims.explain_amounts(demo, {"vms": 3}).allowed


def test_a_bad_one_in_a_group_fails_alone(database_url: str) -> None:
    with Ledger.open(database_url, Settings(lanes=1)) as ledger:
        host = add_host(ledger)
        ledger.projects.create("demo", None, "ada")
        ledger.limits.put("demo", limits(20), "ada")
        good = [request("demo", host) for _ in range(5)]
        taken = replace(request("demo", host), items=good[0].items)
        wishes: list[ClaimRequest] = [
            good[0],
            request("nowhere", host),
            good[1],
            taken,
            request("demo", host, 90),
            *good[2:],
        ]
        outcomes = _together(ledger, wishes)
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds.count("Admitted") == 5
    assert sorted(kind for kind in kinds if kind != "Admitted") == ["Conflict", "Denied", "NotFound"]


def _together(ledger: Ledger, wishes: list[ClaimRequest]) -> list[object]:
    """All in one group: the only lane is held up by a lock until everybody waits."""
    outcomes: list[object] = [None] * len(wishes)

    def ask(index: int) -> None:
        try:
            outcomes[index] = ledger.claims.create(wishes[index], "ada")
        except (LedgerError, LimenError) as error:
            outcomes[index] = error

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(wishes))]
    with ledger.pool.transaction("limen_admin") as connection:
        connection.execute("SELECT FROM limits FOR UPDATE")
        for thread in threads:
            thread.start()
        for thread in threads[1:]:
            thread.join(0.1)
    for thread in threads:
        thread.join()
    return outcomes


def test_a_lock_that_is_not_to_be_had_is_busy(database_url: str) -> None:
    with Ledger.open(database_url, Settings(lock_timeout=0.2)) as ledger:
        host = add_host(ledger)
        ledger.projects.create("demo", None, "ada")
        ledger.limits.put("demo", limits(4), "ada")
        with psycopg.connect(database_url) as other:
            other.execute("SELECT FROM limits FOR UPDATE")
            with pytest.raises(Busy) as caught:
                ledger.claims.create(request("demo", host), "ada")
            assert caught.value.retry_after >= 1
        ledger.claims.create(request("demo", host), "ada")


def test_a_broken_connection_is_replaced(ledger: Ledger, database_url: str, demo: str, host: UUID) -> None:
    ledger.claims.create(request(demo, host), "ada")
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute(
            """SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )
    ledger.claims.create(request(demo, host), "ada")
    assert _reserved(ledger, demo) == 2
