"""The stack's configuration and the file of the state, as documents."""

from typing import Any

import pytest

from limen.sandbox.configuration import for_import, for_preview, holds_secrets
from limen.sandbox.document import PreviewState, address, from_json, names, to_json
from limen.sandbox.errors import InvalidState, SandboxError

HOST = "qemu+ssh://root@vmhost/system"
OWN = {"encryptionsalt": "v1:own", "config": {"p:placeholder": {"secure": "sealed"}}}
SALT = "encryptionsalt"
STATE = PreviewState(
    "vm_stack", "dev", HOST, {"hostUuid": "u"}, ("a",), (), {"version": 3, "deployment": {"resources": []}}
)


def preview(config: dict[str, Any], **settings: Any) -> tuple[dict[str, Any], list[str]]:
    return for_preview({SALT: "v1:theirs", **settings, "config": config}, OWN, "sealed", HOST)


def test_secrets_at_any_depth_become_the_sealed_placeholder_and_are_named() -> None:
    config = {
        "p:token": {"secure": "v1:abc"},
        "p:vms": {"web": {"keys": [{"secure": "v1:def"}], "vcpus": 1}},
        "p:plain": {"secure": "a word", "beside": 1},
    }
    assert holds_secrets({"config": config})
    assert not holds_secrets({"config": {"p:plain": config["p:plain"]}})
    document, secrets = preview(config, secretsprovider="awskms://key", encryptedkey="k")
    assert document == {
        SALT: "v1:own",
        "config": {
            "p:token": {"secure": "sealed"},
            "p:vms": {"web": {"keys": [{"secure": "sealed"}], "vcpus": 1}},
            "p:plain": {"secure": "a word", "beside": 1},
        },
    }
    assert secrets == ["p:token", "p:vms.web.keys[0]"]


def test_the_configuration_names_no_host_any_more() -> None:
    assert preview({"libvirt:uri": HOST})[0]["config"] == {}
    assert preview({})[0]["config"] == {}


def test_a_move_to_another_host_is_refused() -> None:
    with pytest.raises(SandboxError, match="moves the stack to another host"):
        preview({"libvirt:uri": "qemu+ssh://root@other/system"})


def test_only_libvirt_providers_of_that_host_lose_its_uri_in_the_state() -> None:
    def provider(kind: str = "libvirt", **inputs: str) -> dict[str, Any]:
        return {"type": f"pulumi:providers:{kind}", "inputs": inputs, "outputs": {**inputs, "version": "1"}}

    others = [
        provider(uri="qemu:///system"),
        provider("other", uri=HOST),
        {"type": "x", "inputs": {"uri": HOST}},
    ]
    exported = {"version": 3, "deployment": {"resources": [provider(uri=HOST), *others]}}
    deployment = for_import(exported, HOST, "v1:own")["deployment"]
    assert deployment["resources"] == [provider(), *others]
    assert deployment["secrets_providers"] == {"type": "passphrase", "state": {"salt": "v1:own"}}


def test_the_file_is_read_as_it_was_written() -> None:
    assert from_json(to_json(STATE)) == STATE


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "no state for previews"),
        ({"version": 9}, "of version 9"),
        ({"host": None}, "damaged"),
        ({"stack": 1}, "damaged"),
        ({"exported": {}}, "no state of a stack"),
    ],
)
def test_a_file_that_will_not_do_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidState, match=said):
        from_json({**to_json(STATE), **change})


def test_a_secret_that_was_put_into_the_file_later_is_stripped_when_it_is_read() -> None:
    resource = {"urn": "u", "inputs": {"password": {"ciphertext": "v1:x"}}}
    document = {**to_json(STATE), "exported": {"version": 3, "deployment": {"resources": [resource]}}}
    assert "v1:x" not in str(from_json(document).exported)


def test_names_and_address_come_from_the_state() -> None:
    resources = [
        {"urn": "urn:pulumi:dev::vm_stack::pulumi:pulumi:Stack::vm_stack-dev"},
        {"urn": "urn:pulumi:dev::vm_stack::limen:index:QuotaClaim::quota", "inputs": {"libvirtUri": HOST}},
    ]
    exported = {"deployment": {"resources": resources}}
    assert names(exported) == ("vm_stack", "dev")
    assert address(exported) == HOST
    assert (names({"deployment": {"resources": []}}), address({"deployment": {"resources": []}})) == (
        None,
        None,
    )
