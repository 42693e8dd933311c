"""What a QuotaClaim does, over the wire; run against the fake API and against the real one.

Needs the fixtures `provider`, `client` (a limen.client.Client of the same API, an operator of the projects)
and `host` (the name of a registered host). Project demo has room for 4 vcpus, 4 GiB of memory and
40 GiB of disk; project other for 1 vcpu, 1 GiB, no disk.
"""

import uuid
from typing import Any

import pytest

from limen.client import Client
from limen_provider.properties import UNKNOWN, Secret
from tests.unit.provider.stack import ITEMS, claim_inputs, make_claim, vm_item
from tests.unit.provider.wire import Provider, Refused, changed

VM_ONLY = {"vm:web-1": vm_item()}


class ClaimScenarios:
    def test_check_mints_an_id_once_and_spells_amounts_one_way(self, provider: Provider, host: str) -> None:
        wire = provider.of("QuotaClaim")
        amounts = {"vms": 1, "vcpus": 1, "memory": 2**30}
        items = {"vm:web-1": {"kind": "vm", "name": "web-1", "amounts": amounts}}
        inputs, failures = wire.check(claim_inputs(host, items=items))
        assert not failures
        assert uuid.UUID(inputs["claimId"]).version == 4
        assert inputs["items"]["vm:web-1"]["amounts"] == {
            "vms": "1",
            "vcpus": "1",
            "memory": "1GiB",
        }
        again, _ = wire.check(claim_inputs(host, items=items), olds=inputs)
        assert again == inputs

    def test_a_plan_and_its_update_mint_the_same_id(self, provider: Provider, host: str) -> None:
        first, second, other = (
            provider.of("QuotaClaim").check(claim_inputs(host), seed=seed)[0]["claimId"]
            for seed in (b"seed", b"seed", b"other")
        )
        assert first == second != other

    def test_what_does_not_fit_fails_in_check_with_the_arithmetic(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claims = len(client.list_claims("demo"))
        items = {"vm:web-1": vm_item(memory="5GiB")}
        _, failures = provider.of("QuotaClaim").check(claim_inputs(host, items=items))
        (text,) = failures.values()
        for word in ("demo", "memory", "4", "5", "limit", "used", "requested", "would fit"):
            assert word in text
        assert len(client.list_claims("demo")) == claims

    def test_check_judges_the_whole_stack_less_what_it_holds(self, provider: Provider, host: str) -> None:
        claim = make_claim(provider, host=host, items={"vm:web-1": vm_item(4, "4GiB")})
        _, failures = claim.wire.check(claim.inputs, claim.inputs)
        assert not failures
        more = {**claim.inputs, "items": {"vm:web-1": vm_item(4, "4GiB"), "vm:web-2": vm_item(name="web-2")}}
        _, failures = claim.wire.check(more, claim.inputs)
        assert failures

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            ({"project": None}, "project"),
            ({"project": UNKNOWN}, "project"),
            ({"projcet": "demo"}, "projcet"),
            ({"items": UNKNOWN}, "items"),
            ({"items": {"VM 1": vm_item()}}, 'items["VM 1"]'),
            ({"items": {"vm:a": {**vm_item(), "kind": "car"}}}, 'items["vm:a"].kind'),
            ({"items": {"vm:a": {**vm_item(), "volume": "p/v"}}}, 'items["vm:a"].volume'),
            ({"items": {"vm:a": vm_item(memory="1 GiB")}}, 'items["vm:a"].amounts.memory'),
            ({"items": {"vm:a": {**vm_item(), "amounts": {"vcpus": True}}}}, 'items["vm:a"].amounts.vcpus'),
            ({"items": {"vm:a": {**vm_item(), "amounts": {"vcpus": 1.5}}}}, 'items["vm:a"].amounts.vcpus'),
            ({"items": {"vm:a": {**vm_item(), "amounts": {"cpus": 1}}}}, 'items["vm:a"].amounts.cpus'),
            (
                {"items": {"vm:a": {**vm_item(), "amounts": {"vcpus": UNKNOWN}}}},
                'items["vm:a"].amounts.vcpus',
            ),
            ({"items": {"vm:a": {**vm_item(), "size": 1}}}, 'items["vm:a"].size'),
            ({"items": {"d": {"kind": "disk", "name": "d", "amounts": {"disk": 1}}}}, "items.d.volume"),
            ({"items": {"vm:a": {**vm_item(), "amounts": {"vcpus": "1"}}}}, ""),
            ({"fingerprint": {"stack": "dev"}}, "fingerprint"),
            ({"claimId": "web"}, "claimId"),
            ({"owner": Secret({"kind": "stack", "name": "s"})}, "owner"),
        ],
    )
    def test_wrong_inputs_are_named_by_path(
        self, provider: Provider, host: str, change: dict[str, Any], path: str
    ) -> None:
        _, failures = provider.of("QuotaClaim").check({**claim_inputs(host), **change})
        assert set(failures) == {path}

    def test_every_wrong_input_is_reported_at_once(self, provider: Provider, host: str) -> None:
        items = {"vm:a": vm_item(memory="-1"), "vm:b": vm_item(memory="1e3")}
        _, failures = provider.of("QuotaClaim").check(claim_inputs(host, items=items, nonsense=1))
        assert set(failures) == {'items["vm:a"].amounts.memory', 'items["vm:b"].amounts.memory', "nonsense"}

    def test_an_unknown_project_or_host_fails_in_check(self, provider: Provider, host: str) -> None:
        for change in ({"project": "nowhere"}, {"host": "nowhere"}):
            _, failures = provider.of("QuotaClaim").check({**claim_inputs(host), **change})
            assert "nowhere" in "".join(failures.values())

    def test_an_unknown_amount_counts_as_its_upper_bound(self, provider: Provider, host: str) -> None:
        def items(bound: str) -> dict[str, Any]:
            amounts = {"vms": "1", "vcpus": "1", "memory": UNKNOWN}
            return {"vm:a": {"kind": "vm", "name": "a", "amounts": amounts, "upperBound": {"memory": bound}}}

        wire = provider.of("QuotaClaim")
        inputs, failures = wire.check(claim_inputs(host, items=items("4GiB")))
        assert not failures, failures
        assert inputs["items"]["vm:a"]["amounts"]["memory"] is UNKNOWN
        _, failures = wire.check(claim_inputs(host, items=items("5GiB")))
        assert "memory" in "".join(failures.values())

    def test_preview_reserves_nothing(self, provider: Provider, client: Client, host: str) -> None:
        wire = provider.of("QuotaClaim")
        inputs, _ = wire.check(claim_inputs(host))
        _, outputs = wire.create(inputs, preview=True)
        assert outputs["claimId"] == inputs["claimId"]
        assert outputs["generation"] is UNKNOWN
        assert inputs["claimId"] not in {claim["id"] for claim in client.list_claims("demo")}

    def test_create_reserves_everything(self, provider: Provider, client: Client, host: str) -> None:
        claim = make_claim(provider, host=host)
        held = client.get_claim(claim.id)
        assert {item["key"]: item["state"] for item in held["items"]} == dict.fromkeys(ITEMS, "reserved")
        assert claim.outputs["generation"] == held["generation"]
        assert claim.outputs["charge"]["memory"] == str(2**30)
        assert claim.outputs["hostUuid"] == held["host"]
        assert not changed(claim.diff())

    def test_create_again_changes_nothing(self, provider: Provider, client: Client, host: str) -> None:
        claim = make_claim(provider, host=host)
        again, outputs = claim.wire.create(claim.inputs)
        assert again == claim.id
        assert outputs["charge"] == claim.outputs["charge"] == client.get_claim(claim.id)["charge"]

    def test_what_fits_alone_is_refused_in_create_if_another_was_first(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        wire = provider.of("QuotaClaim")
        inputs, failures = wire.check(claim_inputs(host, items={"vm:a": vm_item(3, "3GiB", "a")}))
        assert not failures
        make_claim(provider, host=host, items={"vm:b": vm_item(2, "2GiB", "b")})
        with pytest.raises(Refused, match=r"Denied: .*demo"):
            wire.create(inputs)
        assert inputs["claimId"] not in {claim["id"] for claim in client.list_claims("demo")}

    def test_growth_is_an_update_in_place(self, provider: Provider, client: Client, host: str) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        news = {**claim.inputs, "items": {"vm:web-1": vm_item(2, "2GiB")}}
        diff = claim.diff(news)
        assert changed(diff)
        assert not diff.replaces
        assert 'items["vm:web-1"].amounts.memory' in diff.detailedDiff
        claim.update(news)
        assert client.get_claim(claim.id)["charge"]["memory"] == str(2 * 2**30)
        assert not changed(claim.diff())

    def test_an_item_taken_out_of_the_program_stays_held(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host)
        claim.update({**claim.inputs, "items": VM_ONLY})
        assert len(client.get_claim(claim.id)["items"]) == 2
        assert not changed(claim.diff())

    def test_a_rename_is_no_new_item(self, provider: Provider, client: Client, host: str) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        before = client.get_claim(claim.id)
        news = {**claim.inputs, "items": {"vm:web-1": vm_item(name="front")}}
        assert changed(claim.diff(news))
        claim.update(news)
        after = client.get_claim(claim.id)
        assert [item["name"] for item in after["items"]] == ["front"]
        assert after["charge"] == before["charge"]
        assert not changed(claim.diff())

    def test_another_project_is_a_transfer(self, provider: Provider, client: Client, host: str) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        diff = claim.diff({**claim.inputs, "project": "other"})
        assert changed(diff)
        assert not diff.replaces
        claim.update({**claim.inputs, "project": "other"})
        assert client.get_claim(claim.id)["project"] == "other"
        assert not changed(claim.diff())

    def test_a_transfer_that_does_not_fit_is_refused(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host, items={"vm:web-1": vm_item(2, "2GiB")})
        _, failures = claim.wire.check({**claim.inputs, "project": "other"}, claim.inputs)
        assert "other" in "".join(failures.values())
        assert client.get_claim(claim.id)["project"] == "demo"

    def test_a_claim_released_behind_our_back_is_admitted_again(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host)
        client.release_claim(claim.id, client.get_claim(claim.id)["generation"])
        assert changed(claim.diff())
        assert "admitted again" in provider.engine.texts
        claim.update()
        held = client.get_claim(claim.id)
        assert held["state"] == "held"
        assert len(held["items"]) == 2
        assert not changed(claim.diff())

    def test_refresh_keeps_a_released_claim_so_that_identities_stay(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host)
        client.release_claim(claim.id, client.get_claim(claim.id)["generation"])
        found, inputs, outputs = claim.wire.read(claim.id, claim.inputs, claim.outputs)
        assert (found, inputs) == (claim.id, claim.inputs)
        assert not any(int(amount) for amount in outputs["charge"].values())

    def test_refresh_shows_another_project(self, provider: Provider, client: Client, host: str) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        client.transfer_claim(claim.id, client.get_claim(claim.id)["generation"], "other")
        _, inputs, outputs = claim.wire.read(claim.id, claim.inputs, claim.outputs)
        assert inputs["project"] == outputs["project"] == "other"

    def test_another_writer_in_between_is_no_obstacle(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        generation = client.get_claim(claim.id)["generation"]
        client.transfer_claim(claim.id, generation, "other")
        client.transfer_claim(claim.id, generation + 1, "demo")
        claim.update({**claim.inputs, "items": {"vm:web-1": vm_item(2)}})
        assert client.get_claim(claim.id)["charge"]["vcpus"] == "2"

    def test_another_stacks_claim_needs_a_takeover(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        mine = {**claim.inputs["fingerprint"], "backend": "file:///elsewhere"}
        news = {**claim.inputs, "fingerprint": mine}
        with pytest.raises(Refused, match="takeover"):
            claim.update(news)
        claim.update({**news, "takeover": True})
        assert client.get_claim(claim.id)["fingerprint"] == mine

    def test_import_reads_the_ledger(self, provider: Provider, host: str) -> None:
        claim = make_claim(provider, host=host)
        found, inputs, outputs = claim.wire.read(claim.id)
        assert found == claim.id
        checked, failures = claim.wire.check(inputs)
        assert not failures
        assert checked == inputs
        assert inputs["items"] == claim.inputs["items"]
        assert not changed(claim.wire.diff(found, inputs, outputs, checked))

    def test_importing_what_is_not_there_finds_nothing(self, provider: Provider) -> None:
        assert provider.of("QuotaClaim").read(str(uuid.uuid4())) == ("", {}, {})

    def test_delete_releases(self, provider: Provider, client: Client, host: str) -> None:
        claim = make_claim(provider, host=host)
        claim.delete()
        assert client.get_claim(claim.id)["state"] == "released"
        claim.delete()

    def test_delete_with_an_old_generation_releases_what_is_still_ours(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        client.transfer_claim(claim.id, client.get_claim(claim.id)["generation"], "other")
        claim.delete()
        assert client.get_claim(claim.id)["state"] == "released"

    def test_delete_leaves_a_claim_that_was_taken_over(
        self, provider: Provider, client: Client, host: str
    ) -> None:
        claim = make_claim(provider, host=host, items=VM_ONLY)
        held = client.get_claim(claim.id)
        client.change_claim(
            claim.id,
            generation=held["generation"],
            project="demo",
            owner={"kind": "stack", "name": "program/theirs"},
            fingerprint={"backend": "file:///theirs", "project": "program", "stack": "dev"},
            host=host,
            items=[],
            takeover=True,
        )
        claim.delete()
        assert client.get_claim(claim.id)["state"] == "held"
        assert "program/theirs" in provider.engine.texts
