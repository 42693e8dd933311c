"""Fields that several documents share, with their checks and how OpenAPI shows them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from limen.quota.errors import LimenError
from limen.quota.model import (
    Amount,
    Unknown,
    check_item_key,
    check_project_name,
    check_resource,
    check_snapshot,
)
from limen.quota.units import parse_amount

T = TypeVar("T")

_AMOUNT = {"anyOf": [{"type": "string", "examples": ["512MiB", "8"]}, {"type": "integer", "minimum": 0}]}
_AMOUNTS = {"type": "object", "additionalProperties": _AMOUNT, "examples": [{"vcpus": "2", "memory": "1GiB"}]}
_UPPER = {"type": "object", "properties": {"upper": {"anyOf": [*_AMOUNT["anyOf"], {"type": "null"}]}}}
_MAYBE_UNKNOWN = {"type": "object", "additionalProperties": {"anyOf": [*_AMOUNT["anyOf"], _UPPER]}}


class Document(BaseModel):
    """A request document: unknown names are errors, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def refused(error: LimenError) -> PydanticCustomError:
    """An error of the rules as one that pydantic reports with its path."""
    return PydanticCustomError("limen", "{sentence}", {"sentence": str(error)})


def _each(value: object, read: Callable[[object, str], T]) -> dict[str, T]:
    if not isinstance(value, Mapping):
        raise PydanticCustomError("limen", "must be an object of resource names and amounts")
    results: dict[str, T] = {}
    sentences = []
    for resource, written in value.items():
        try:
            results[check_resource(resource)] = read(written, resource)
        except LimenError as error:
            sentences.append(str(error))
    if sentences:
        raise PydanticCustomError("limen", "{sentence}", {"sentence": "; ".join(sentences)})
    return results


def _amounts(value: object) -> dict[str, int]:
    return _each(value, parse_amount)


def _maybe_unknown_amounts(value: object) -> dict[str, Amount]:
    return _each(value, _maybe_unknown)


def _maybe_unknown(value: object, resource: str) -> Amount:
    if isinstance(value, Mapping) and set(value) == {"upper"}:
        upper = value["upper"]
        return Unknown(None if upper is None else parse_amount(upper, resource))
    return parse_amount(value, resource)


def _checked(check: Callable[[object], str]) -> Callable[[object], str]:
    def validate(value: object) -> str:
        try:
            return check(value)
        except LimenError as error:
            raise refused(error) from error

    return validate


def _uuid(value: object) -> str:
    """One spelling, so that the same id never counts as two."""
    try:
        return str(UUID(value)) if isinstance(value, str) and len(value) == 36 else _no_uuid()
    except ValueError:
        return _no_uuid()


def _no_uuid() -> str:
    raise PydanticCustomError("limen", "must be a UUID such as 5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001")


def _printable(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("limen", "must not hold line breaks, control or invisible characters")
    return value


Amounts = Annotated[dict[str, int], BeforeValidator(_amounts), WithJsonSchema(_AMOUNTS)]
MaybeUnknownAmounts = Annotated[
    dict[str, Amount], BeforeValidator(_maybe_unknown_amounts), WithJsonSchema(_MAYBE_UNKNOWN)
]
Text = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_printable)]
ProjectName = Annotated[str, BeforeValidator(_checked(check_project_name))]
ItemKey = Annotated[str, BeforeValidator(_checked(check_item_key))]
SnapshotIdentity = Annotated[
    str,
    Field(max_length=255),
    BeforeValidator(_checked(check_snapshot)),
    WithJsonSchema({"type": "string", "examples": ["5f0c1d1e-7b0a-4c39-9d2c-0a5be4b1a001/before-upgrade"]}),
]
Identity = Annotated[str, BeforeValidator(_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
Json = dict[str, Any]

__all__ = [
    "Amounts",
    "Document",
    "Identity",
    "ItemKey",
    "Json",
    "MaybeUnknownAmounts",
    "ProjectName",
    "SnapshotIdentity",
    "Text",
    "refused",
]
