"""What is on the host and is the stack's, though neither its state nor a pending operation says so."""

from typing import Any

from limen.recovery.plan import DOMAIN, MEDIUM, NETWORK, VOLUME, Sight
from limen.recovery.state import CLAIM, read_state
from limen.recovery.strays import DISK, PROVIDER, strays, with_strays
from tests.unit.recovery.test_plan import NETWORK_UUID, STRANGER, VM_UUID, exported, record

LEFT = Sight(
    domains={"dev-web": VM_UUID, "other": STRANGER},
    networks={"dev-lan": NETWORK_UUID},
    volumes={"default/dev-data": "/pool/dev-data", "default/other": "/pool/other"},
)


def state_with(*records: dict[str, Any]) -> dict[str, Any]:
    document = exported()
    document["deployment"]["resources"] += records
    return document


def component() -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::vm_stack::{DISK}::data", "custom": False, "type": DISK}


def provider() -> dict[str, Any]:
    return record(PROVIDER, "default_0_5_4", id="1c9b")


def test_domains_and_networks_are_removed_and_volumes_adopted() -> None:
    found = strays(read_state(state_with(component(), provider())), LEFT)
    assert [(step.do, step.kind, step.identity) for step in found] == [
        ("remove", "domain", VM_UUID),
        ("remove", "network", NETWORK_UUID),
        ("adopt", "volume", "default/dev-data"),
    ]


def test_what_the_state_has_and_what_is_not_the_stacks_is_left_alone() -> None:
    document = state_with(
        record(DOMAIN, "web", id=VM_UUID),
        record(NETWORK, "lan", id=NETWORK_UUID),
        record(VOLUME, "data", id="/pool/dev-data"),
    )
    assert strays(read_state(document), LEFT) == ()


def test_what_a_pending_operation_names_is_not_a_stray() -> None:
    document = exported(("creating", record(DOMAIN, "web", {"name": "dev-web"})))
    assert "dev-web" not in [step.name for step in strays(read_state(document), LEFT)]


def test_a_volume_without_its_component_is_left_for_the_user_to_import() -> None:
    [step] = strays(read_state(state_with(provider())), Sight(volumes=LEFT.volumes))
    assert (step.do, step.identity) == ("leave", "default/dev-data")
    assert "pulumi import" in step.why


def test_media_of_the_stacks_vms_are_removed_unless_known_or_in_use() -> None:
    document = state_with(record(MEDIUM, "web-seed", id="/pool/dev-web-seed-0000000a.iso;5f1c"))
    claim = document["deployment"]["resources"][0]
    claim["inputs"]["items"]["disk:web-root"] = {"kind": "disk", "volume": "default/dev-web-root"}
    names = ["dev-web-seed-0000000a.iso", "dev-web-seed-0000000b.iso", "dev-web-seed-0000000c.iso"]
    others = ["dev-web-seed-notes.iso", "other-seed-0000000d.iso"]
    sight = Sight(
        volumes={f"default/{name}": f"/pool/{name}" for name in (*names, *others)},
        in_use={f"default/{names[2]}": frozenset({STRANGER})},
    )
    assert [step.identity for step in strays(read_state(document), sight)] == [f"default/{names[1]}"]


def test_an_adopted_volume_is_its_components_child() -> None:
    document = state_with(component(), provider())
    steps = strays(read_state(document), Sight(volumes=LEFT.volumes))
    *before, volume = with_strays(document, steps)["deployment"]["resources"]
    assert before == document["deployment"]["resources"]
    assert volume["urn"] == f"urn:pulumi:dev::vm_stack::{DISK}${VOLUME}::data"
    assert volume["parent"] == component()["urn"]
    assert volume["provider"] == f"{provider()['urn']}::1c9b"
    assert (volume["id"], volume["inputs"]["name"]) == ("/pool/dev-data", "dev-data")
    assert volume["type"] == VOLUME
    assert CLAIM in [each["type"] for each in before]
