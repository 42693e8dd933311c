"""What a recovery would do about a state, for every kind of thing that a killed run leaves."""

import copy
from typing import Any

import pytest

from limen.quota.model import item_uuid
from limen.recovery.errors import RecoveryError
from limen.recovery.plan import DOMAIN, MEDIUM, NETWORK, POOL, VOLUME, Sight, make_plan, recovered
from limen.recovery.state import ADMISSION, CLAIM, read_state

CLAIM_ID = "5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001"
HOST = "4dcd4658-6947-52ea-b338-a28cd5b40cc3"
VM_UUID = str(item_uuid(CLAIM_ID, "vm:web"))
NETWORK_UUID = str(item_uuid(CLAIM_ID, "network:lan"))
STRANGER = "11111111-2222-4333-8444-555555555555"


def urn(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::vm_stack::{type_}::{name}"


def record(type_: str, name: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"urn": urn(type_, name), "custom": True, "type": type_, "inputs": inputs or {}, **more}


def claim_inputs() -> dict[str, Any]:
    items = {
        "vm:web": {"kind": "vm", "name": "dev-web", "amounts": {"vms": "1"}},
        "network:lan": {"kind": "network", "name": "dev-lan", "amounts": {"networks": "1"}},
        "disk:data": {
            "kind": "disk",
            "name": "dev-data",
            "volume": "default/dev-data",
            "amounts": {"disk": "1GiB"},
        },
    }
    return {
        "claimId": CLAIM_ID,
        "project": "demo",
        "host": "lab",
        "libvirtUri": "qemu:///system",
        "items": items,
    }


def exported(
    *pending: tuple[str, dict[str, Any]], resources: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    claim = record(CLAIM, "claim", claim_inputs(), id=CLAIM_ID, outputs={**claim_inputs(), "hostUuid": HOST})
    return {
        "version": 3,
        "deployment": {
            "manifest": {},
            "secrets_providers": {"type": "passphrase"},
            "resources": [claim] if resources is None else resources,
            "pending_operations": [{"resource": each, "type": operation} for operation, each in pending],
        },
    }


def steps(document: dict[str, Any], sight: Sight) -> list[tuple[str, str, str]]:
    return [(step.do, step.kind, step.identity) for step in make_plan(read_state(document), sight)]


def test_a_domain_that_was_being_made_is_removed() -> None:
    document = exported(("creating", record(DOMAIN, "web", {"name": "dev-web"})))
    assert steps(document, Sight(domains={"dev-web": VM_UUID})) == [("remove", "domain", VM_UUID)]


def test_a_network_that_was_being_made_is_removed() -> None:
    document = exported(("creating", record(NETWORK, "lan", {"name": "dev-lan"})))
    assert steps(document, Sight(networks={"dev-lan": NETWORK_UUID})) == [("remove", "network", NETWORK_UUID)]


@pytest.mark.parametrize(
    "type_", [DOMAIN, NETWORK, VOLUME, MEDIUM, POOL, CLAIM, ADMISSION, "other:index:Thing"]
)
def test_what_is_not_there_is_forgotten(type_: str) -> None:
    document = exported(("creating", record(type_, "web", {"name": "dev-web", "pool": "default"})))
    assert [step[0] for step in steps(document, Sight())] == ["forget"]


@pytest.mark.parametrize("operation", ["updating", "deleting", "reading", "importing"])
def test_only_creations_leave_things_behind(operation: str) -> None:
    document = exported((operation, record(DOMAIN, "web", {"name": "dev-web"})))
    assert steps(document, Sight(domains={"dev-web": VM_UUID})) == [("forget", "resource", "")]


def test_somebody_elses_domain_of_that_name_is_left_alone() -> None:
    document = exported(("creating", record(DOMAIN, "web", {"name": "dev-web"})))
    assert steps(document, Sight(domains={"dev-web": STRANGER})) == [("leave", "domain", STRANGER)]


def test_a_domain_that_the_state_has_is_never_removed() -> None:
    known = record(DOMAIN, "web", {"name": "dev-web"}, id=VM_UUID)
    claim = exported()["deployment"]["resources"][0]
    document = exported(("creating", record(DOMAIN, "web", {"name": "dev-web"})), resources=[claim, known])
    assert steps(document, Sight(domains={"dev-web": VM_UUID})) == [("forget", "domain", "")]


def test_volumes_are_adopted_and_never_removed() -> None:
    document = exported(("creating", record(VOLUME, "data", {"name": "dev-data", "pool": "default"})))
    sight = Sight(volumes={"default/dev-data": "/pool/dev-data"})
    plan = make_plan(read_state(document), sight)
    assert [(step.do, step.state_id) for step in plan] == [("adopt", "/pool/dev-data")]
    resources = recovered(document, plan)["deployment"]["resources"]
    assert resources[-1]["id"] == "/pool/dev-data"
    assert resources[-1]["urn"] == urn(VOLUME, "data")
    assert resources[-1]["outputs"] == {"name": "dev-data", "pool": "default"}


def test_a_volume_outside_the_claim_is_left_alone() -> None:
    document = exported(("creating", record(VOLUME, "x", {"name": "other", "pool": "default"})))
    assert steps(document, Sight(volumes={"default/other": "/pool/other"})) == [
        ("leave", "volume", "default/other")
    ]


def test_a_pool_that_was_being_made_is_adopted() -> None:
    document = exported(("creating", record(POOL, "fast", {"name": "dev-fast"})))
    assert steps(document, Sight(pools={"dev-fast": STRANGER})) == [("adopt", "pool", STRANGER)]


def test_a_medium_is_removed_unless_another_vm_uses_it() -> None:
    medium = ("creating", record(MEDIUM, "seed", {"name": "seed.iso", "pool": "default"}))
    domain = ("creating", record(DOMAIN, "web", {"name": "dev-web"}))
    volumes = {"default/seed.iso": "/pool/seed.iso"}
    in_use = {"default/seed.iso": frozenset({VM_UUID})}
    removed = ("remove", "volume", "default/seed.iso")
    assert steps(exported(medium), Sight(volumes=volumes)) == [removed]
    assert steps(exported(medium), Sight(volumes=volumes, in_use=in_use))[0][0] == "leave"
    both = steps(
        exported(medium, domain), Sight(domains={"dev-web": VM_UUID}, volumes=volumes, in_use=in_use)
    )
    assert both == [removed, ("remove", "domain", VM_UUID)]


def test_a_medium_that_the_state_has_is_kept() -> None:
    known = record(MEDIUM, "seed", {}, id="/pool/seed.iso;0d7e-suffix")
    document = exported(("creating", record(MEDIUM, "seed", {"name": "seed.iso"})), resources=[known])
    assert [step[0] for step in steps(document, Sight(volumes={"default/seed.iso": "/pool/seed.iso"}))] == [
        "forget"
    ]


def test_a_claim_that_only_a_pending_operation_knows_is_released() -> None:
    document = exported(("creating", record(CLAIM, "claim", claim_inputs())), resources=[])
    assert steps(document, Sight()) == [("forget", "resource", ""), ("release", "claim", CLAIM_ID)]


def test_a_claim_that_the_state_has_is_not_released() -> None:
    document = exported(("updating", record(CLAIM, "claim", claim_inputs())))
    assert [step[0] for step in steps(document, Sight())] == ["forget"]


def test_identities_come_from_pending_claims_and_admissions_as_well() -> None:
    admission = record(ADMISSION, "vm:web", {"claimId": CLAIM_ID, "key": "vm:web"})
    document = exported(
        ("creating", admission), ("creating", record(DOMAIN, "web", {"name": "dev-web"})), resources=[]
    )
    assert steps(document, Sight(domains={"dev-web": VM_UUID}))[1] == ("remove", "domain", VM_UUID)


def test_nothing_pending_is_left_in_the_state_and_the_rest_is_as_it_was() -> None:
    document = exported(
        ("creating", record(DOMAIN, "web", {"name": "dev-web"})), ("updating", record(CLAIM, "claim"))
    )
    before = copy.deepcopy(document)
    after = recovered(document, make_plan(read_state(document), Sight()))
    assert document == before
    assert "pending_operations" not in after["deployment"]
    del before["deployment"]["pending_operations"]
    assert after == before


def test_secret_and_odd_inputs_do_not_stop_a_recovery() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    odd = [
        ("creating", record(DOMAIN, "web", {"name": secret})),
        ("creating", {"urn": urn(DOMAIN, "x"), "type": DOMAIN, "inputs": None}),
        ("creating", record(CLAIM, "claim", {"claimId": secret, "items": secret})),
        ("creating", record(CLAIM, "claim", {"claimId": "no-uuid", "items": {"BAD KEY": {}, "vm:a": None}})),
    ]
    document = exported(*odd, resources=[])
    assert {step[0] for step in steps(document, Sight(domains={"dev-web": STRANGER}))} <= {
        "forget",
        "release",
    }


@pytest.mark.parametrize("document", [None, [], {}, {"version": 2, "deployment": {}}, {"version": 5}])
def test_another_format_is_refused(document: Any) -> None:
    with pytest.raises(RecoveryError):
        read_state(document)


@pytest.mark.parametrize("version", [3, 4])
def test_a_stack_that_was_never_used(version: int) -> None:
    document = {"version": version, "deployment": None}
    assert make_plan(read_state(document), Sight()) == ()
