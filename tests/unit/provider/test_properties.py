from typing import Any

import pytest
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from hypothesis import given
from hypothesis import strategies as st
from pulumi.output import Unknown
from pulumi.runtime import rpc

from limen_provider.properties import (
    UNKNOWN,
    Asset,
    Secret,
    UnreadableProperty,
    is_known,
    read_struct,
    reveal,
    secret_paths,
    write_struct,
)

SIGNATURE = "4dabf18193072939515e22adb298388d"
texts = st.text(st.characters(codec="utf-8"), max_size=20)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.just(UNKNOWN)
    | texts.map(lambda text: Asset({SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": text}))
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4) | inner.map(Secret),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=5))
def test_what_is_written_is_read_again(properties: dict[str, Any]) -> None:
    wire = Struct.FromString(write_struct(properties).SerializeToString())
    assert read_struct(wire) == properties


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_stay_whole(number: int) -> None:
    read = read_struct(write_struct({"n": number}))["n"]
    assert isinstance(read, int)
    assert read == number


def test_every_kind_of_unknown_is_unknown() -> None:
    sentinels = (
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        rpc.UNKNOWN,
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    )
    items = [Value(string_value=each) for each in sentinels]
    read = read_struct(Struct(fields={"all": Value(list_value=ListValue(values=items))}))
    assert read["all"] == [UNKNOWN] * len(sentinels)


def test_the_sdk_agrees_on_secrets_and_unknowns() -> None:
    written = write_struct({"secret": Secret("s"), "unknown": UNKNOWN})
    theirs = rpc.deserialize_properties(written, keep_unknowns=True)
    assert rpc.is_rpc_secret(theirs["secret"])
    assert rpc.unwrap_rpc_secret(theirs["secret"]) == "s"
    assert isinstance(theirs["unknown"], Unknown)


def _special(signature: str, **fields: Value) -> Struct:
    inner = Struct(fields={SIGNATURE: Value(string_value=signature), **fields})
    return Struct(fields={"x": Value(struct_value=inner)})


def test_output_values_become_what_they_hold() -> None:
    output = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
    secret = {"value": Value(string_value="v"), "secret": Value(bool_value=True)}
    assert read_struct(_special(output))["x"] is UNKNOWN
    assert read_struct(_special(output, value=Value(string_value="v")))["x"] == "v"
    assert read_struct(_special(output, **secret))["x"] == Secret("v")


@pytest.mark.parametrize("signature", ["5cf8f73096256a8f31e491e813e4eb8e", "no such signature"])
def test_what_nobody_agreed_to_is_refused(signature: str) -> None:
    with pytest.raises(UnreadableProperty):
        read_struct(_special(signature))


def test_secrets_are_found_revealed_and_not_shown() -> None:
    properties = {"a": {"b c": [Secret({"d": Secret("hidden")})]}, "plain": 1}
    assert secret_paths(properties) == ['a["b c"][0]']
    assert reveal(properties) == {"a": {"b c": [{"d": "hidden"}]}, "plain": 1}
    assert "hidden" not in repr(properties)


def test_unknowns_are_found_at_any_depth() -> None:
    assert is_known({"a": [1, {"b": None}]})
    assert not is_known({"a": [1, {"b": UNKNOWN}]})
