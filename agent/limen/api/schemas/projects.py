"""Documents of projects, limits, bounds and what is left."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from limen.api.schemas.claims import claim_json
from limen.api.schemas.fields import Document, Json, ProjectName, refused
from limen.ledger.values import Project, ProjectQuota, ResourceStanding
from limen.quota.errors import LimenError
from limen.quota.model import UNLIMITED, Bounds, Limit, Unlimited, check_resource
from limen.quota.units import parse_amount, parse_limit

_LIMIT_SCHEMA = {
    "type": "object",
    "examples": [{"memory": {"hard": "1GiB", "soft": "768MiB", "grace_seconds": 604800}, "vms": None}],
}
_BOUNDS_SCHEMA = {"type": "object", "examples": [{"vcpus": {"minimum": "1", "maximum": "8", "default": "2"}}]}
_MAX_GRACE_SECONDS = 10 * 366 * 86400


def _limits(value: object) -> dict[str, Limit | None]:
    return {resource: _limit(resource, written) for resource, written in _entries(value).items()}


def _limit(resource: str, written: object) -> Limit | None:
    fields = _fields(resource, written, {"hard", "soft", "grace_seconds"})
    hard, soft, seconds = (fields.get(name) for name in ("hard", "soft", "grace_seconds"))
    if hard is None:
        if soft is not None or seconds is not None:
            raise PydanticCustomError(
                "limen", "{name}: without a hard limit there is no soft one", {"name": resource}
            )
        return None
    if seconds is not None and (
        isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= _MAX_GRACE_SECONDS
    ):
        raise PydanticCustomError("limen", "{name}: grace_seconds must be a whole number", {"name": resource})
    try:
        return Limit(
            parse_limit(hard, resource),
            None if soft is None else parse_amount(soft, resource),
            None if seconds is None else timedelta(seconds=seconds),
        )
    except LimenError as error:
        raise refused(error) from error


def _bounds(value: object) -> dict[str, Bounds | None]:
    return {resource: _bound(resource, written) for resource, written in _entries(value).items()}


def _bound(resource: str, written: object) -> Bounds | None:
    if written is None:
        return None
    names = ("minimum", "maximum", "default")
    fields = _fields(resource, written, set(names))
    try:
        parsed = (
            None if fields.get(name) is None else parse_amount(fields[name], resource) for name in names
        )
        return Bounds(*parsed)
    except LimenError as error:
        raise refused(error) from error


def _entries(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not value:
        raise PydanticCustomError("limen", "must be an object that names at least one resource")
    try:
        for resource in value:
            check_resource(resource)
    except LimenError as error:
        raise refused(error) from error
    return value


def _fields(resource: str, written: object, allowed: set[str]) -> Mapping[str, Any]:
    if not isinstance(written, Mapping) or not set(written) <= allowed:
        raise PydanticCustomError(
            "limen",
            "{name}: must be an object of {fields}",
            {"name": resource, "fields": ", ".join(sorted(allowed))},
        )
    return written


Limits = Annotated[dict[str, Limit | None], BeforeValidator(_limits), WithJsonSchema(_LIMIT_SCHEMA)]
BoundsIn = Annotated[dict[str, Bounds | None], BeforeValidator(_bounds), WithJsonSchema(_BOUNDS_SCHEMA)]


class NewProject(Document):
    name: ProjectName
    parent: ProjectName | None = None


class MovedProject(Document):
    """`parent` null puts the project at the top of a tree of its own."""

    parent: Annotated[ProjectName | None, Field()]


class LimitsIn(Document):
    """Limits of the named resources; `hard` is an amount, "unlimited" or null (none set)."""

    limits: Limits


class BoundsDocument(Document):
    """Bounds of single VMs (`disk`: of single disks); null takes a resource's bounds away."""

    bounds: BoundsIn


def project_json(project: Project) -> Json:
    return {
        "name": project.name,
        "parent": project.parent,
        "chain": list(project.chain),
        "created": project.created.isoformat(),
    }


def quota_json(quota: ProjectQuota) -> Json:
    return {
        "project": quota.project,
        "chain": list(quota.chain),
        "resources": [_standing_json(standing) for standing in quota.resources],
        "bounds": {resource: bounds_json(bounds) for resource, bounds in quota.bounds.items()},
        "own_bounds": {resource: bounds_json(each) for resource, each in quota.own_bounds.items()},
        "claims": [claim_json(claim) for claim in quota.claims],
    }


def bounds_json(bounds: Bounds) -> Json:
    return {name: _text(getattr(bounds, name)) for name in ("minimum", "maximum", "default")}


def _standing_json(standing: ResourceStanding) -> Json:
    return {
        "resource": standing.resource,
        "hard": limit_text(standing.hard),
        "soft": _text(standing.soft),
        "grace_seconds": None if standing.grace is None else int(standing.grace.total_seconds()),
        "soft_since": time_text(standing.soft_since),
        "used": str(standing.used),
        "reserved": str(standing.reserved),
        "left": UNLIMITED.value if standing.left is None else str(standing.left),
    }


def limit_text(limit: int | Unlimited | None) -> str | None:
    return limit.value if isinstance(limit, Unlimited) else _text(limit)


def time_text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)
