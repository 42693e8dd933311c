"""A state without its secrets, and with all the rest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.sandbox.errors import InvalidState
from limen.sandbox.stripping import PLACEHOLDER, SIGNATURE, strip

SECRET = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
ASSET = "c44067f5952c0a294b673a41bacd8c17"
HIDDEN = "v1:do-not-show-me"
URN = "urn:pulumi:dev::vm_stack::libvirt:index/domain:Domain::web"
PLAIN = {SIGNATURE: SECRET, "plaintext": f'"{PLACEHOLDER}"'}


def state(**deployment: Any) -> dict[str, Any]:
    return {"version": 3, "deployment": {"manifest": {"version": "v3"}, "resources": [], **deployment}}


def resource(**properties: Any) -> dict[str, Any]:
    return {"urn": URN, "type": "libvirt:index/domain:Domain", "id": "1", **properties}


secrets = st.sampled_from(
    [
        {SIGNATURE: SECRET, "ciphertext": HIDDEN},
        {SIGNATURE: SECRET, "plaintext": f'"{HIDDEN}"'},
        {SIGNATURE: OUTPUT, "secret": True, "value": HIDDEN},
        {SIGNATURE: "something of a later Pulumi", "blob": HIDDEN},
        {"ciphertext": HIDDEN},
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | secrets,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(inputs=values, outputs=values, metadata=values)
def test_no_secret_survives_wherever_it_stands(inputs: Any, outputs: Any, metadata: Any) -> None:
    before = state(
        resources=[resource(inputs=inputs, outputs=outputs, initErrors=[HIDDEN])],
        metadata=metadata,
        secrets_providers={"type": "passphrase", "state": {"salt": HIDDEN}},
        pending_operations=[{"type": "creating", "resource": resource(inputs={"password": HIDDEN})}],
    )
    stripped = strip(before)
    text = json.dumps(stripped.exported)
    assert HIDDEN not in text
    assert "ciphertext" not in text.replace("\\u", "")
    # What is stripped once has only placeholders, which stay: stripping again changes nothing.
    assert strip(stripped.exported).exported == stripped.exported


def test_what_is_no_secret_stays_as_it_is() -> None:
    plain = resource(
        inputs={
            "vcpu": 1,
            "disks": [{"volume": "web", "__defaults": []}],
            "file": {SIGNATURE: ASSET, "text": "#cloud-config"},
            "shown": {SIGNATURE: OUTPUT, "value": "known"},
        },
        protect=True,
    )
    stripped = strip({**state(resources=[plain]), "version": 4, "features": ["replaceWith"]})
    assert stripped.exported == {
        "version": 4,
        "features": ["replaceWith"],
        "deployment": {"manifest": {"version": "v3"}, "resources": [plain]},
    }
    assert (stripped.secrets, stripped.notes) == ((), ())


def test_each_secret_is_named_and_has_a_placeholder_that_is_secret_as_well() -> None:
    sealed = {SIGNATURE: SECRET, "ciphertext": HIDDEN}
    stripped = strip(state(resources=[resource(inputs={"keys": [{"private": sealed}], "vcpu": 2})]))
    assert stripped.secrets == (f"{URN} inputs.keys[0].private",)
    (kept,) = stripped.exported["deployment"]["resources"]
    assert kept["inputs"] == {"keys": [{"private": PLAIN}], "vcpu": 2}


def test_what_was_interrupted_is_left_out_and_said() -> None:
    pending = [{"type": "creating", "resource": resource()}]
    stripped = strip(
        state(resources=[resource(initErrors=["the password x is wrong"])], pending_operations=pending)
    )
    assert "pending_operations" not in stripped.exported["deployment"]
    (note,) = stripped.notes
    assert note.startswith("1 interrupted operation(s)")
    assert "limen recover" in note
    # An unfinished resource is still updated by the next run.
    assert len(stripped.exported["deployment"]["resources"][0]["initErrors"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"version": 2, "deployment": {}},
        {"version": 3},
        state(resources=["x"]),
        state(resources={"a": 1}),
    ],
)
def test_another_format_is_refused_in_one_line(wrong: object) -> None:
    with pytest.raises(InvalidState) as caught:
        strip(wrong)
    assert "\n" not in str(caught.value)
