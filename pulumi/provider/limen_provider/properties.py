"""Property values on the wire <-> plain Python values; the only module that knows the wire's signatures.

Plain values are None, bool, int, float, str, list, dict with str keys, `UNKNOWN`, `Secret` and `Asset`.
Signatures and sentinels are those of the engine's protocol (sdk/go/common/resource, plugin/rpc.go).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from limen_provider.errors import ProviderError

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a signature of the protocol, no password
_ASSETS = ("c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7")
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
_UNKNOWNS = frozenset(
    (
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    )
)
_UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown(Enum):
    """The type of `UNKNOWN`: a value that is known only once something else was built."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True)
class Secret:
    """A value that must not be shown; its repr does not."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


@dataclass(frozen=True)
class Asset:
    """An asset or archive, kept as it came (its signature among the fields)."""

    fields: Mapping[str, Any]


class UnreadableProperty(ProviderError):
    """The engine sent a kind of value that this provider did not agree to take."""


def read_struct(struct: Struct) -> dict[str, Any]:
    """The properties of a message as plain values. Raises `UnreadableProperty`."""
    return {name: _read(value) for name, value in struct.fields.items()}


def write_struct(properties: Mapping[str, Any]) -> Struct:
    """Plain values as the properties of a message. Raises `TypeError` for what is no plain value."""
    return Struct(fields={name: _write(value) for name, value in properties.items()})


def is_known(value: Any) -> bool:
    """Whether nothing within `value` is `UNKNOWN`."""
    return not any(found is UNKNOWN for _, found in walk(value))


def reveal(value: Any) -> Any:
    """The value without any `Secret` around what it holds."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, list):
        return [reveal(each) for each in value]
    if isinstance(value, dict):
        return {name: reveal(each) for name, each in value.items()}
    return value


def secret_paths(properties: Mapping[str, Any]) -> list[str]:
    """Property paths of the outermost secrets."""
    return [path for path, value in walk(dict(properties)) if isinstance(value, Secret)]


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf and every container within `value` with its property path; secrets and assets are leaves."""
    yield path, value
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from walk(each, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from walk(each, child_path(path, name))


def child_path(path: str, name: str) -> str:
    """The property path of `name` below `path`, quoted where its syntax asks for it: `items["vm:a"]`."""
    if name.isidentifier():
        return f"{path}.{name}" if path else name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{escaped}"]'


def _read(value: Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return None
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "list_value":
        return [_read(each) for each in value.list_value.values]
    return _read_object(value.struct_value)


def _read_object(struct: Struct) -> Any:
    signature = struct.fields[_SIGNATURE].string_value if _SIGNATURE in struct.fields else None
    if signature is None:
        return read_struct(struct)
    if signature == _SECRET:
        return Secret(_read(struct.fields["value"]))
    if signature in _ASSETS:
        return Asset(read_struct(struct))
    if signature == _OUTPUT:
        inner = _read(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        secret = "secret" in struct.fields and struct.fields["secret"].bool_value
        return Secret(inner) if secret else inner
    if signature == _RESOURCE:
        raise UnreadableProperty("Limen's resources take no resource as input: pass its id or an output.")
    raise UnreadableProperty(
        "The engine sent a kind of value that is unknown here: update the limen provider."
    )


def _write(value: Any) -> Value:
    if value is None:
        return Value(null_value=NULL_VALUE)
    if value is UNKNOWN:
        return Value(string_value=_UNKNOWN_STRING)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, list | tuple):
        return Value(list_value=ListValue(values=[_write(each) for each in value]))
    if isinstance(value, Secret):
        wrapped = {_SIGNATURE: Value(string_value=_SECRET), "value": _write(value.value)}
        return Value(struct_value=Struct(fields=wrapped))
    if isinstance(value, Asset):
        return Value(struct_value=write_struct(value.fields))
    if isinstance(value, Mapping):
        return Value(struct_value=write_struct(value))
    raise TypeError(f"{type(value).__name__} is no property value")
