"""A claim's life over HTTP, decided by the rules."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from limen.client import ApiError, QuotaDenied
from limen.quota.decide import decide
from limen.quota.explain import explanation
from limen.quota.model import UNLIMITED, Change, Limit, Scope, Seen, Standing, item_uuid
from limen.quota.units import parse_amount

from .conftest import World

NO_FIELDS: dict[str, Any] = {}


def test_create_admit_commit_settle(world: World) -> None:
    claim_id = str(uuid4())
    with world.operator() as client:
        created = client.create_claim(claim_id, **world.claim(world.item("a")))
        assert created["charge"] == {"vms": "1", "vcpus": "1", "memory": "268435456"}
        assert created["generation"] == 1
        assert created["items"][0]["state"] == "reserved"
        assert created["items"][0]["uuid"] == str(item_uuid(claim_id, "vm:a"))

        sizes = {"vms": 1, "vcpus": 1, "memory": "256MiB"}
        admitted = client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(world.host))
        assert admitted["item"]["state"] == "building"
        assert client.heartbeat(claim_id, [admitted["fence"]])["deadline"]

        seen = Seen("vm", created["items"][0]["uuid"], "a", {"vms": 1, "vcpus": 1, "memory": 2**28})
        world.scan(seen)
        assert client.get_claim(claim_id)["items"][0]["state"] == "committed"

        settled = client.settle_item(claim_id, "vm:a", wait_seconds=0)
        assert settled["state"] == "lapsing"
        assert settled["charge"] == {"vms": "1", "vcpus": "1", "memory": "268435456"}
        world.scan()
        assert client.settle_item(claim_id, "vm:a", wait_seconds=0)["state"] == "released"
        assert client.get_claim(claim_id)["charge"] == {}


def test_the_old_half_of_a_replacement_settles_nothing(world: World) -> None:
    """A process that dies between admitting anew and deleting the old leaves that to a later one."""
    claim_id, sizes = str(uuid4()), {"vms": 1, "vcpus": 1, "memory": "256MiB"}
    with world.operator() as client:
        created = client.create_claim(claim_id, **world.claim(world.item("a")))
        old = client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(world.host))["fence"]
        new = client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(world.host))["fence"]
        before = client.get_claim(claim_id)
        kept = client.settle_item(claim_id, "vm:a", wait_seconds=30, fence=old)
        assert (kept["state"], kept["fence"]) == ("kept", new)
        assert "Another builder has taken vm:a over" in kept["detail"]
        assert client.get_claim(claim_id) == before
        world.scan(Seen("vm", created["items"][0]["uuid"], "a", {"vms": 1, "vcpus": 1, "memory": 2**28}))
        assert client.settle_item(claim_id, "vm:a", wait_seconds=0, fence=new)["state"] == "lapsing"
        with pytest.raises(ApiError, match="fence"):
            client.settle_item(claim_id, "vm:a", wait_seconds=0, fence="first")


def test_an_item_is_not_admitted_at_more_than_its_reservation(world: World) -> None:
    claim_id = str(uuid4())
    with world.operator() as client:
        client.create_claim(claim_id, **world.claim(world.item("a")))
        sizes = {"vms": 1, "vcpus": 2, "memory": "256MiB"}
        with pytest.raises(ApiError) as raised:
            client.admit_item(claim_id, "vm:a", amounts=sizes, host=str(world.host))
        assert raised.value.code == "not_admitted"
        with pytest.raises(ApiError) as raised:
            client.admit_item(claim_id, "vm:b", amounts=sizes, host=str(world.host))
        assert raised.value.code == "not_admitted"


@pytest.mark.parametrize("memory", ["256MiB", "1GiB", "1025MiB", "3GiB"])
def test_explain_create_and_the_rules_decide_alike(world: World, memory: str) -> None:
    item = world.item("a", memory=memory)
    with world.operator() as client:
        explained = client.explain(world.demo, host=str(world.host), items=[item])
        try:
            decided = client.create_claim(str(uuid4()), **world.claim(item))["decision"]
        except QuotaDenied as denied:
            decided = denied.decision
    expected = _by_the_rules(world, {"vms": 1, "vcpus": 1, "memory": parse_amount(memory, "memory")})
    assert explained == decided == expected
    assert decided["allowed"] is (parse_amount(memory, "memory") <= 2**30)


def _by_the_rules(world: World, asked: dict[str, int]) -> dict[str, Any]:
    """The decision worked out from the figures that the fixture set, by the rules alone."""
    capacity = {"vcpus": 64, "memory": 64 * 2**30}
    hard = {"vms": 2, "vcpus": 2, "memory": 2**30}
    scopes = [
        (Scope("2", "project", world.demo), hard),
        (Scope("1", "project", world.team), dict.fromkeys(hard, UNLIMITED)),
        (Scope("h", "host", world.host_name), capacity),
    ]
    standings = [
        Standing(scope, resource, Limit(limit))  # type: ignore[arg-type]
        for scope, limits in scopes
        for resource, limit in limits.items()
    ]
    changes = [Change(each.scope.id, each.resource, 0, asked[each.resource]) for each in standings]
    decision = decide(changes, standings, now=world.ledger.observations.begin_scan(world.host))
    return dict(explanation(decision))


def test_a_denial_takes_nothing_and_names_who_holds_the_rest(world: World) -> None:
    first, second = str(uuid4()), str(uuid4())
    with world.operator() as client:
        client.create_claim(first, **world.claim(world.item("a", memory="768MiB")))
        with pytest.raises(QuotaDenied) as raised:
            client.create_claim(second, **world.claim(world.item("b", memory="512MiB"), world.item("c")))
        with pytest.raises(ApiError) as missing:
            client.get_claim(second)
    decision = raised.value.decision
    memory = next(line for line in decision["violations"] if line["resource"] == "memory")
    assert (memory["scope"], memory["limit"], memory["used"]) == (world.demo, str(2**30), "0")
    assert (memory["reserved"], memory["requested"]) == (str(768 * 2**20), str(768 * 2**20))
    assert (memory["largest"], memory["shortfall"]) == (str(256 * 2**20), str(512 * 2**20))
    assert {"vms", "vcpus", "memory"} == {line["resource"] for line in decision["violations"]}
    assert {each["claim"] for each in decision["holders"]} == {first}
    assert "stack web" in decision["text"]
    assert missing.value.code == "not_found"


def test_holders_are_told_only_to_those_who_may_see_them(world: World) -> None:
    with world.administrator() as client:
        client.set_limits(world.team, {"vms": {"hard": "2"}})
        other = f"other-{world.name}"
        client.create_project(other, world.team)
        client.set_limits(other, {resource: {"hard": "unlimited"} for resource in ("vms", "vcpus", "memory")})
    with world.client("claims:write", role="operator", project=other) as client:
        client.create_claim(str(uuid4()), **world.claim(world.item("a"), world.item("b"), project=other))
    with world.operator() as stranger:
        hidden = stranger.explain(world.demo, host=str(world.host), items=[world.item("c")])
    with world.client("quota:check", role="viewer", project=world.team) as insider:
        shown = insider.explain(world.demo, host=str(world.host), items=[world.item("c")])
    assert not hidden["allowed"]
    assert hidden["holders"] == []
    assert "Held by" not in hidden["text"]
    assert [holder["amount"] for holder in shown["holders"]] == ["2"]
    assert hidden["violations"] == shown["violations"]


def test_a_repeated_key_is_carried_out_once(world: World) -> None:
    claim_id = str(uuid4())
    body = {"id": claim_id, **world.claim(world.item("a"))}
    with world.http(world.token("claims:write", role="operator")) as http:
        answers = [http.post("/api/claims", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
        without = http.post("/api/claims", json=body)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (without.status_code, without.json()["code"]) == (409, "conflict")


def test_the_key_of_one_user_is_not_the_key_of_another(world: World) -> None:
    for name in ("a", "b"):
        with world.http(world.token("claims:write", role="operator")) as http:
            body = {"id": str(uuid4()), **world.claim(world.item(name))}
            answer = http.post("/api/claims", json=body, headers={"Idempotency-Key": "same"})
        assert answer.status_code == 201
        assert answer.json()["id"] == body["id"]


def test_growing_late_updates_and_other_stacks(world: World) -> None:
    claim_id = str(uuid4())
    with world.operator() as client:
        client.create_claim(claim_id, **world.claim(world.item("a", memory="512MiB")))
        grown = client.change_claim(
            claim_id, generation=1, **world.claim(world.item("a", memory="256MiB", vcpus=2))
        )
        assert grown["charge"] == {"vms": "1", "vcpus": "2", "memory": str(512 * 2**20)}
        with pytest.raises(ApiError) as stale:
            client.change_claim(claim_id, generation=1, **world.claim(world.item("b")))
        assert stale.value.code == "stale_generation"
        other = {"backend": "file:///elsewhere", "project": "vm_stack", "stack": "dev"}
        with pytest.raises(ApiError) as mismatch:
            client.change_claim(claim_id, generation=2, **world.claim(fingerprint=other))
        assert mismatch.value.code == "fingerprint_mismatch"
        taken = client.change_claim(claim_id, generation=2, **world.claim(fingerprint=other, takeover=True))
        assert taken["fingerprint"] == other


def test_a_transfer_needs_both_projects(world: World) -> None:
    claim_id = str(uuid4())
    target = f"target-{world.name}"
    with world.administrator() as client:
        client.create_project(target, world.team)
        client.set_limits(target, {"vms": {"hard": "1"}, "vcpus": {"hard": "1"}, "memory": {"hard": "1GiB"}})
    with world.operator() as client:
        client.create_claim(claim_id, **world.claim(world.item("a")))
        with pytest.raises(ApiError) as raised:
            client.transfer_claim(claim_id, 1, target)
        assert raised.value.code == "not_found"
    with world.client("claims:write", role="operator", project=world.team) as client:
        moved = client.transfer_claim(claim_id, 1, target)
        assert (moved["project"], moved["charge"]["vms"]) == (target, "1")
        quota = {each["resource"]: each for each in client.get_quota(world.demo)["resources"]}
        assert (quota["vms"]["used"], quota["vms"]["reserved"]) == ("0", "0")


def test_a_released_claim_is_admitted_again_by_a_change(world: World) -> None:
    claim_id = str(uuid4())
    with world.operator() as client:
        client.create_claim(claim_id, **world.claim(world.item("a")))
        released = client.release_claim(claim_id, 1)
        assert released is not None
        assert (released["state"], released["items"]) == ("released", [])
        again = client.change_claim(
            claim_id, generation=released["generation"], **world.claim(world.item("a"))
        )
        assert (again["state"], again["charge"]["vms"]) == ("held", "1")


def test_unknown_amounts_count_as_their_upper_bound_or_are_denied(world: World) -> None:
    with world.http(world.token("quota:check", role="viewer")) as http:
        answers = {}
        for upper in ("512MiB", "2GiB", None):
            item = {**world.item("a"), "amounts": {"vms": "1", "vcpus": "1", "memory": {"upper": upper}}}
            body = {"project": world.demo, "host": world.host_name, "items": [item]}
            answers[upper] = http.post("/api/quota/explain", json=body).json()
    assert answers["512MiB"]["allowed"]
    assert not answers["2GiB"]["allowed"]
    assert not answers[None]["allowed"]
    assert "unknown_amount" in {each["reason"] for each in answers[None]["violations"]}


def test_host_capacity_is_part_of_the_decision(world: World) -> None:
    with world.administrator() as client:
        client.set_limits(world.demo, {"memory": {"hard": "unlimited"}})
    with world.operator() as client, pytest.raises(QuotaDenied) as raised:
        client.create_claim(str(uuid4()), **world.claim(world.item("a", memory="65GiB")))
    assert [(each["scope"], each["scope_kind"]) for each in raised.value.decision["violations"]] == [
        (world.host_name, "host")
    ]


@pytest.mark.parametrize("host", ["no-such-host", str(UUID(int=7))])
def test_an_unknown_host_is_named(world: World, host: str) -> None:
    with world.operator() as client, pytest.raises(ApiError) as raised:
        client.create_claim(str(uuid4()), **world.claim(world.item("a"), host=host))
    assert raised.value.code == "not_found"
    assert host in str(raised.value)


def test_a_list_of_claims_is_read_whole_page_by_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.administrator() as administrator:
        administrator.set_limits(world.demo, {name: {"hard": "unlimited"} for name in ("vms", "vcpus")})
    other = f"other-{world.name}"
    world.ledger.projects.create(other, world.team, actor="test")
    with world.operator() as client, world.client("quota:read", role="owner", project=world.team) as lead:
        claims = [str(uuid4()) for _ in range(5)]
        for number, claim_id in enumerate(claims):
            client.create_claim(claim_id, **world.claim(world.item(f"a{number}", memory="1MiB")))
        hidden = world.claim(project=other)
        with world.client("claims:write", role="operator", project=other) as stranger:
            stranger.create_claim(str(uuid4()), **hidden)
        for size in (1, 2, 5, 200):
            monkeypatch.setattr("limen.client.client._PAGE", size)
            assert [each["id"] for each in client.list_claims()] == claims[::-1]
            assert [each["id"] for each in client.list_claims(world.demo, world.host_name)] == claims[::-1]
            assert len(lead.list_claims()) == 6
    token = world.token("quota:read", role="viewer")
    with world.http(token) as http:
        page = http.get("/api/claims", params={"limit": 2, "after": claims[-1]}).json()
        assert [each["id"] for each in page] == [claims[3], claims[2]]
        assert len(http.get("/api/claims").json()) == 5
        assert http.get("/api/claims", params={"limit": 1001}).status_code == 422
        assert http.get("/api/claims", params={"after": str(uuid4())}).status_code == 404
