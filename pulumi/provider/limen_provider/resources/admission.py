"""`limen:index:Admission`: one chargeable thing may be built now, at this size, on this host."""

from typing import Any, ClassVar

from limen.client import ApiError, ApiUnavailable
from limen.quota.errors import LimenError
from limen.quota.model import ITEM_KINDS, check_item_key, item_uuid
from limen.quota.resources import resource_rank
from limen.quota.units import display_amount
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.claim_items import covers
from limen_provider.engine import with_progress
from limen_provider.errors import InitFailed, ProviderError
from limen_provider.fields import Inputs, given, parsed
from limen_provider.hosts import libvirt_uri
from limen_provider.properties import UNKNOWN
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.services import Services

SETTLE_SECONDS = 30.0
_INPUTS = (
    *("claimId", "project", "owner", "key", "kind", "libvirtUri", "hostUuid", "amounts", "imageSha256"),
)
_IDENTITY = ("claimId", "key", "kind")
_SIZES = ("vcpus", "memory", "disk")


class NotAdmitted(ProviderError):
    """The ledger does not hold this item at this size."""


class Admission:
    """Its id is `claim id/item key`; another claim or key is another thing."""

    type_name: ClassVar[str] = "limen:index:Admission"
    schema: ClassVar[dict[str, Any]] = schemas.ADMISSION

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, _INPUTS)
        key, kind = inputs.text("key"), inputs.text("kind")
        if isinstance(key, str):
            try:
                check_item_key(key)
            except LimenError as error:
                inputs.fail("key", str(error))
        if isinstance(kind, str) and kind not in ITEM_KINDS:
            inputs.fail("kind", f"This must be one of {', '.join(ITEM_KINDS)}.")
        amounts = news.get("amounts")
        checked = given(
            claimId=inputs.uuid("claimId"),
            project=inputs.text("project"),
            owner=inputs.text("owner", required=False),
            key=key,
            kind=kind,
            libvirtUri=inputs.text("libvirtUri"),
            hostUuid=inputs.uuid("hostUuid"),
            amounts=UNKNOWN if amounts is UNKNOWN else inputs.amounts(amounts, "amounts"),
            imageSha256=inputs.text("imageSha256", required=False),
        )
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        """Compare with the ledger as well: what is missing or lapsing there must be admitted again."""
        changes = compare(old_inputs, news)
        replaces = [name for name in _IDENTITY if name in changes and news.get(name) is not UNKNOWN]
        if replaces:
            return Diff(changes, replaces=replaces)
        why = self._not_as_wanted(resource_id, news)
        if why and not changes:
            call.log.info(why)
        return Diff(changes, ["state"] if why else [])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        resource_id = f"{inputs['claimId']}/{inputs['key']}"
        if preview:
            return Created("", _planned(inputs))
        self._verify_host(call, inputs)
        try:
            return Created(resource_id, self._admit(inputs))
        except ApiUnavailable as error:
            # Nobody knows whether it was admitted; admitting it again does no harm.
            lost = {**_planned(inputs), "fence": "", "state": "unknown"}
            raise InitFailed(resource_id, lost, str(error)) from error

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if preview:
            return _planned(inputs)
        self._verify_host(call, inputs)
        return self._admit(inputs)

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        claim_id, key = _split(resource_id)
        claim = self._claim(claim_id)
        item = _item(claim, key)
        # What was released may stay charged until a scan of the host, but it is admitted no longer.
        if claim is None or item is None or item.get("released"):
            return None
        if not inputs:
            host = self._services.client.get_host(item["host"])
            inputs = given(
                claimId=claim_id,
                project=claim["project"],
                owner=claim["owner"]["name"],
                key=key,
                kind=item["kind"],
                libvirtUri=libvirt_uri(host),
                hostUuid=item["host"],
                amounts=Inputs({}, ()).amounts(item["claimed"], "amounts"),
            )
        # A run that was killed may have admitted the item without having written down its fence.
        fence = {"fence": item["fence"] or "", "state": item["state"]}
        return Found(resource_id, inputs, {**_planned(inputs), **fence})

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Give the item up and wait until the host shows it gone; what is still there stays charged."""
        claim_id, key = _split(resource_id)
        # The old half of a replacement has not the newest fence, whichever process admitted the new half.
        own = outputs.get("fence") or None
        held = self._services.heartbeats.fence(claim_id, key)
        if held is not None and held != own:
            return
        self._services.heartbeats.let_go(claim_id, key)
        seconds = call.timeout or SETTLE_SECONDS
        try:
            item = with_progress(
                lambda: self._services.client.settle_item(claim_id, key, seconds, own),
                call.log,
                f"a scan of the host that shows {key} gone",
                self._services.cancelled,
            )
        except ApiError as error:
            if error.code == "not_found":
                return
            raise
        if item.get("state") == "kept":
            call.log.info(f"{key} was admitted anew since; it is left to who holds it now.")
        elif item.get("state") != "released":
            call.log.warning(
                f"Libvirt still shows {key} ({_written(item.get('observed', {}))}). "
                "It stays charged until a scan of the host shows it gone."
            )

    def _admit(self, inputs: Properties) -> dict[str, Any]:
        claim_id, key = inputs["claimId"], inputs["key"]
        wanted = parsed(inputs["amounts"])
        try:
            answer = self._services.client.admit_item(claim_id, key, amounts=wanted, host=inputs["hostUuid"])
        except ApiError as error:
            if error.code not in ("not_admitted", "not_found"):
                raise
            raise NotAdmitted(self._refusal(inputs)) from error
        fence = str(answer["fence"])
        self._services.heartbeats.hold(claim_id, key, fence)
        return {**_planned(inputs), "fence": fence, "state": answer["item"]["state"]}

    def _refusal(self, inputs: Properties) -> str:
        why = self._not_as_wanted(f"{inputs['claimId']}/{inputs['key']}", inputs)
        return (
            f"{why or 'The ledger refused it.'} Run `pulumi up` without --target and --exclude, "
            "so that the claim is admitted first."
        )

    def _not_as_wanted(self, resource_id: str, inputs: Properties) -> str:
        """A sentence on how the ledger's item falls short of `inputs`, empty if it does not."""
        claim_id, key = _split(resource_id)
        claim = self._claim(claim_id)
        item = _item(claim, key)
        if item is None:
            return f"{key} is not admitted: the claim {claim_id} does not hold it."
        if item["state"] == "lapsing" or item.get("released", False):
            return f"{key} is not admitted: its place in the claim {claim_id} has lapsed or was given up."
        if inputs["hostUuid"] not in (item["host"], UNKNOWN):
            return f"{key} is admitted on the host {item['host']}, not on {inputs['hostUuid']}."
        amounts = inputs["amounts"]
        if amounts is not UNKNOWN and not covers(item["claimed"], amounts):
            return (
                f"{key} is not admitted at this size: the claim {claim_id} holds "
                f"{_written(item['claimed'])} for it, {_written(parsed(_known(amounts)))} is wanted."
            )
        return ""

    def _claim(self, claim_id: str) -> dict[str, Any] | None:
        try:
            return self._services.client.get_claim(claim_id)
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise

    def _verify_host(self, call: Call, inputs: Properties) -> None:
        uri = inputs["libvirtUri"]
        with_progress(
            lambda: self._services.hosts.require(uri, inputs["hostUuid"]),
            call.log,
            f"libvirt at {uri}",
            self._services.cancelled,
        )


def _split(resource_id: str) -> tuple[str, str]:
    claim_id, slash, key = resource_id.partition("/")
    if not slash:
        raise ProviderError(f"{resource_id} is no id of an Admission: write CLAIM-ID/ITEM-KEY.")
    return claim_id, key


def _item(claim: Properties | None, key: str) -> dict[str, Any] | None:
    items = [] if claim is None else claim["items"]
    return next((item for item in items if item["key"] == key), None)


def _planned(inputs: Properties) -> dict[str, Any]:
    """What the outputs will be: identity and sizes follow from the inputs, so that plans show numbers."""
    amounts, claim_id, key = inputs["amounts"], inputs["claimId"], inputs["key"]
    known = amounts is not UNKNOWN
    sizes = {name: _size(amounts, name) if known else UNKNOWN for name in _SIZES}
    identity = UNKNOWN if UNKNOWN in (claim_id, key) else str(item_uuid(claim_id, key))
    return {**inputs, **sizes, "uuid": identity, "fence": UNKNOWN, "state": UNKNOWN}


def _size(amounts: Properties, resource: str) -> Any:
    amount = amounts.get(resource)
    return UNKNOWN if amount is UNKNOWN else parsed({resource: amount or "0"})[resource]


def _known(amounts: Properties) -> dict[str, Any]:
    return {resource: amount for resource, amount in amounts.items() if amount is not UNKNOWN}


def _written(amounts: Properties) -> str:
    """Amounts in words, such as `2 vcpus, 1GiB memory`."""
    parts = [
        f"{display_amount(int(amounts[resource]), resource)} {resource}"
        for resource in sorted(amounts, key=resource_rank)
    ]
    return ", ".join(parts) or "nothing"
