"""Documents of what a host's agent reports and reads."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, model_validator
from pydantic_core import PydanticCustomError

from limen.api.schemas.claims import strings
from limen.api.schemas.fields import Amounts, Document, Identity, Json
from limen.api.schemas.projects import limit_text
from limen.ledger.values import AdmittedDomain, ResourceStanding
from limen.listening import is_loopback
from limen.quota.model import Seen

_MAX_THINGS = 50_000


def _storable(value: str) -> str:
    """Libvirt's own names: whatever they hold, but for the one character that PostgreSQL can't keep."""
    if "\0" in value:
        raise PydanticCustomError("limen", "must not hold a NUL character")
    return value


LibvirtName = Annotated[str, Field(min_length=1, max_length=2048), AfterValidator(_storable)]


class SeenThing(Document):
    """`identity`: libvirt's UUID, "pool/name" of a disk, "domain-uuid/name" of a snapshot.

    `claim` is what its metadata says, `disks` are the volumes that a domain writes to.
    """

    kind: Literal["vm", "disk", "network", "snapshot"]
    identity: LibvirtName
    name: LibvirtName
    amounts: Amounts
    claim: Identity | None = None
    disks: list[LibvirtName] = Field(default_factory=list)

    @model_validator(mode="after")
    def _known_by_uuid(self) -> "SeenThing":
        if self.kind in ("vm", "network"):
            try:
                spelled = str(UUID(self.identity))
            except ValueError:
                spelled = ""
            if spelled != self.identity:
                raise ValueError("a domain or network is known by its UUID, in lower case")
        return self

    def seen(self) -> Seen:
        claim = None if self.claim is None else UUID(self.claim)
        return Seen(self.kind, self.identity, self.name, self.amounts, claim, tuple(self.disks))


class Report(Document):
    """One successful scan of everything on the host.

    `begun` is what the ledger's clock said before libvirt was asked. `unseen_pools` are there but could not
    be listed: their volumes keep their last observation.
    """

    begun: Annotated[AwareDatetime, Field(strict=False)]
    things: Annotated[list[SeenThing], Field(max_length=_MAX_THINGS)]
    unseen_pools: list[LibvirtName] = Field(default_factory=list)


def _agent_url(value: str) -> str:
    """The agents' token goes there: to nobody in clear over a network, and to no other path."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise PydanticCustomError("limen", "must be a URL such as https://host1.example:9000")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise PydanticCustomError("limen", "must be scheme, host and port alone")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise PydanticCustomError("limen", "must be https, or a loopback address")
    return value.rstrip("/")


class AgentIn(Document):
    """`url` null: limen-api does not reach the host's agent."""

    url: Annotated[str, Field(max_length=255), AfterValidator(_agent_url)] | None


def clock_json(now: datetime) -> Json:
    return {"now": now.isoformat()}


def projects_json(standings: Mapping[str, tuple[ResourceStanding, ...]]) -> list[Json]:
    return [
        {
            "project": project,
            "resources": {
                each.resource: {
                    "hard": limit_text(each.hard),
                    "soft": limit_text(each.soft),
                    "charge": str(each.used + each.reserved),
                }
                for each in resources
            },
        }
        for project, resources in standings.items()
    ]


def admitted_json(domain: AdmittedDomain) -> Json:
    return {
        "uuid": str(domain.uuid),
        "name": domain.name,
        "claim": str(domain.claim),
        "project": domain.project,
        "owner": {"kind": domain.owner.kind, "name": domain.owner.name},
        "amounts": strings(domain.amounts),
    }
