"""Documents of hosts."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from limen.api.observer import HostStatus
from limen.api.schemas.claims import WaitSeconds
from limen.api.schemas.fields import Amounts, Document, Json, Text, refused
from limen.host_uri import InvalidUri, parse_shared
from limen.ledger.values import Host
from limen.quota.capacity import parse_ratio
from limen.quota.errors import LimenError
from limen.quota.model import check_resource
from limen.quota.resources import DEVICE_PREFIX

_NAME = r"^[a-z0-9][a-z0-9.-]{0,62}$"


def _uri(value: str) -> str:
    """What is stored, shown and opened is what was written anew of its parts, never the caller's text."""
    try:
        return parse_shared(value).text
    except InvalidUri as error:
        raise refused(error) from error


def _overcommit(value: object) -> dict[str, Decimal]:
    if not isinstance(value, dict):
        raise PydanticCustomError("limen", "must be an object of resources and ratios")
    try:
        for resource, ratio in value.items():
            check_resource(resource)
            parse_ratio(ratio)
    except LimenError as error:
        raise refused(error) from error
    return {resource: Decimal(ratio) for resource, ratio in value.items()}


Ratios = Annotated[
    dict[str, Decimal],
    BeforeValidator(_overcommit),
    WithJsonSchema({"type": "object", "examples": [{"vcpus": "4", "memory": "1.5"}]}),
]


def _devices(value: dict[str, int]) -> dict[str, int]:
    """Everything else is read from the host: what is said of it here would be wrong one day."""
    if others := sorted(resource for resource in value if not resource.startswith(DEVICE_PREFIX)):
        raise PydanticCustomError(
            "limen",
            "must hold device:NAME only, not {others}: libvirt tells what there is of these",
            {"others": ", ".join(others)},
        )
    return value


Devices = Annotated[Amounts, AfterValidator(_devices)]


class NewHost(Document):
    """`name` left out: the host's own name. `reserve` is kept free, `overcommit` multiplies the capacity.

    `devices`: how many of each `device:NAME` it has, since libvirt does not tell; 0 takes one away.
    """

    uri: Annotated[Text, AfterValidator(_uri)]
    name: Annotated[str, Field(pattern=_NAME)] | None = None
    reserve: Amounts | None = None
    overcommit: Ratios | None = None
    devices: Devices | None = None


class ScanIn(Document):
    wait_seconds: WaitSeconds = 30.0


def host_json(host: Host, status: HostStatus, with_uri: bool) -> Json:
    """`with_uri`: how to reach a host is for those who may reach it."""
    return {
        "id": str(host.id),
        "name": host.name,
        **({"uri": host.uri, "agent_url": host.agent_url} if with_uri else {}),
        "resources": [
            {
                "resource": resource,
                "capacity": str(figures.capacity),
                "reserve": str(figures.reserve),
                "overcommit": f"{figures.overcommit:f}",
                "limit": str(figures.limit),
                "used": str(figures.used),
                "reserved": str(figures.reserved),
                "orphans": str(figures.orphans),
            }
            for resource, figures in host.resources.items()
        ],
        "scanned": None if host.scanned is None else host.scanned.isoformat(),
        "reported": None if host.reported is None else host.reported.isoformat(),
        "reachable": status.reachable,
        "error": status.error if with_uri else None,
        "created": host.created.isoformat(),
    }
