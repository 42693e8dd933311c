"""What an Admission does, over the wire.

Fixtures as for claim_scenarios, and two libvirt URIs: `uri` reaches the host, `elsewhere` another one.
"""

import pytest

from limen.client import Client
from limen.quota.model import item_uuid
from limen.quota.units import parse_amount
from limen_provider.properties import UNKNOWN
from tests.unit.provider.stack import Made, admission_inputs, make_admission, make_claim, vm_item
from tests.unit.provider.wire import Provider, Refused, changed

STRANGER = "00000000-0000-4000-8000-000000000001"


class AdmissionScenarios:
    def test_create_admits_and_outputs_numbers(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        admission = make_admission(provider, claim, uri)
        out = admission.outputs
        assert (out["vcpus"], out["memory"], out["disk"]) == (1, 2**30, 0)
        assert out["uuid"] == str(item_uuid(claim.id, "vm:web-1"))
        assert out["fence"]
        assert out["state"] == "building"
        items = {item["key"]: item["state"] for item in client.get_claim(claim.id)["items"]}
        assert items == {"vm:web-1": "building", "disk:web-1-root": "reserved"}
        assert not changed(admission.diff())

    def test_preview_knows_identity_and_sizes(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        wire = provider.of("Admission")
        inputs, failures = wire.check({**admission_inputs(claim, uri), "hostUuid": UNKNOWN})
        assert not failures
        _, outputs = wire.create(inputs, preview=True)
        assert (outputs["vcpus"], outputs["memory"]) == (1, 2**30)
        assert outputs["uuid"] == str(item_uuid(claim.id, "vm:web-1"))
        assert outputs["fence"] is UNKNOWN
        assert {item["state"] for item in client.get_claim(claim.id)["items"]} == {"reserved"}

    def test_preview_with_unknown_values_keeps_them_unknown(
        self, provider: Provider, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        wire = provider.of("Admission")
        unknown = {"claimId": UNKNOWN, "amounts": {"vcpus": UNKNOWN, "memory": "1GiB"}}
        inputs, failures = wire.check({**admission_inputs(claim, uri), **unknown})
        assert not failures
        _, outputs = wire.create(inputs, preview=True)
        assert (outputs["uuid"], outputs["vcpus"], outputs["memory"]) == (UNKNOWN, UNKNOWN, 2**30)

    def test_more_than_the_claim_holds_is_not_admitted(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        wanted = {"vms": "1", "vcpus": "1", "memory": "2GiB"}
        with pytest.raises(Refused) as refused:
            make_admission(provider, claim, uri, amounts=wanted)
        for word in ("vm:web-1", "1GiB memory", "2GiB memory", "pulumi up", "--target", "--exclude"):
            assert word in refused.value.message
        assert client.get_claim(claim.id)["charge"]["memory"] == str(2**30)

    def test_an_item_that_the_claim_does_not_hold_is_not_admitted(
        self, provider: Provider, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        with pytest.raises(Refused, match="vm:web-9 is not admitted"):
            make_admission(provider, claim, uri, key="vm:web-9")

    def test_a_claim_that_does_not_exist_admits_nothing(
        self, provider: Provider, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        with pytest.raises(Refused, match="not admitted"):
            make_admission(provider, claim, uri, claimId=STRANGER)

    def test_a_uri_that_reaches_another_host_is_refused_before_anything_is_admitted(
        self, provider: Provider, client: Client, host: str, uri: str, elsewhere: str
    ) -> None:
        """The ledger cannot see this: item and host are right, but the VM would be built elsewhere."""
        claim = make_claim(provider, host=host)
        with pytest.raises(Refused, match=elsewhere):
            make_admission(provider, claim, elsewhere)
        assert {item["state"] for item in client.get_claim(claim.id)["items"]} == {"reserved"}
        admission = make_admission(provider, claim, uri)
        with pytest.raises(Refused, match=elsewhere):
            admission.update({**admission.inputs, "libvirtUri": elsewhere})

    def test_a_host_that_the_item_is_not_admitted_on_is_refused(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        with pytest.raises(Refused, match=STRANGER):
            make_admission(provider, claim, uri, hostUuid=STRANGER)
        assert {item["state"] for item in client.get_claim(claim.id)["items"]} == {"reserved"}

    def test_a_decrease_lowers_the_claim(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host, items={"vm:web-1": vm_item(2, "2GiB")})
        admission = make_admission(provider, claim, uri)
        claim.update({**claim.inputs, "items": {"vm:web-1": vm_item(1, "1GiB")}})
        assert client.get_claim(claim.id)["charge"]["memory"] == str(2 * 2**30)
        news = {**admission.inputs, "amounts": {"vms": "1", "vcpus": "1", "memory": "1GiB"}}
        diff = admission.diff(news)
        assert changed(diff)
        assert not diff.replaces
        assert admission.update(news)["memory"] == 2**30
        assert client.get_claim(claim.id)["charge"]["memory"] == str(2**30)
        assert not changed(admission.diff())
        assert not changed(claim.diff())

    def test_growth_needs_the_claim_first(self, provider: Provider, host: str, uri: str) -> None:
        claim = make_claim(provider, host=host, items={"vm:web-1": vm_item()})
        admission = make_admission(provider, claim, uri)
        news = {**admission.inputs, "amounts": {"vms": "1", "vcpus": "2", "memory": "1GiB"}}
        with pytest.raises(Refused, match="not admitted at this size"):
            admission.update(news)
        claim.update({**claim.inputs, "items": {"vm:web-1": vm_item(2)}})
        assert admission.update(news)["vcpus"] == 2

    def test_another_key_is_another_item(self, provider: Provider, host: str, uri: str) -> None:
        claim = make_claim(provider, host=host)
        admission = make_admission(provider, claim, uri)
        diff = admission.diff({**admission.inputs, "key": "vm:web-2"})
        assert list(diff.replaces) == ["key"]

    def test_an_item_missing_from_the_ledger_is_a_change(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        admission = make_admission(provider, claim, uri)
        client.release_claim(claim.id, client.get_claim(claim.id)["generation"])
        assert changed(admission.diff())
        with pytest.raises(Refused, match="not admitted"):
            admission.update()
        claim.update()
        assert admission.update()["state"] == "building"
        assert not changed(admission.diff())

    def test_refresh_reads_the_item(self, provider: Provider, client: Client, host: str, uri: str) -> None:
        claim = make_claim(provider, host=host)
        admission = make_admission(provider, claim, uri)
        found = admission.wire.read(admission.id, admission.inputs, admission.outputs)
        assert found == (admission.id, admission.inputs, admission.outputs)
        client.release_claim(claim.id, client.get_claim(claim.id)["generation"])
        assert admission.wire.read(admission.id, admission.inputs, admission.outputs)[0] == ""

    def test_import_reads_the_ledger(self, provider: Provider, host: str, uri: str) -> None:
        claim = make_claim(provider, host=host)
        admission = make_admission(provider, claim, uri)
        found, inputs, outputs = admission.wire.read(admission.id)
        checked, failures = admission.wire.check(inputs)
        assert not failures
        assert (found, checked) == (admission.id, inputs)
        assert outputs["uuid"] == admission.outputs["uuid"]

    def test_delete_settles(self, provider: Provider, client: Client, host: str, uri: str) -> None:
        claim = make_claim(provider, host=host)
        admission = make_admission(provider, claim, uri)
        admission.delete()
        assert [item["key"] for item in client.get_claim(claim.id)["items"]] == ["disk:web-1-root"]
        admission.delete()

    def test_deleting_the_old_half_of_a_replacement_leaves_the_new_one(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        old = make_admission(provider, claim, uri)
        new = make_admission(provider, claim, uri)
        old.delete()
        assert not changed(new.diff())
        assert client.get_claim(claim.id)["charge"]["vcpus"] == "1"

    def test_the_old_half_that_a_killed_run_left_leaves_the_new_one(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        old = make_admission(provider, claim, uri)
        admit_elsewhere(client, old)
        old.delete()
        assert client.get_claim(claim.id)["charge"]["vcpus"] == "1"
        assert "admitted anew" in provider.engine.texts

    def test_refresh_finds_what_a_killed_run_admitted(
        self, provider: Provider, client: Client, host: str, uri: str
    ) -> None:
        claim = make_claim(provider, host=host)
        known = make_admission(provider, claim, uri)
        fence = admit_elsewhere(client, known)
        assert fence != known.outputs["fence"]
        _, _, outputs = known.wire.read(known.id, known.inputs, known.outputs)
        assert outputs["fence"] == fence


def admit_elsewhere(client: Client, admission: Made) -> str:
    """Another process takes the item over; returns its fence."""
    amounts = {name: parse_amount(amount, name) for name, amount in admission.inputs["amounts"].items()}
    claim_id, key = admission.inputs["claimId"], admission.inputs["key"]
    answer = client.admit_item(claim_id, key, amounts=amounts, host=admission.inputs["hostUuid"])
    return str(answer["fence"])
