"""`limen:index:QuotaClaim`: what a whole stack holds, reserved all or nothing before anything is built."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from limen.client import ApiError, ApiUnavailable, QuotaDenied
from limen.hypervisor.errors import HypervisorError
from limen.hypervisor.names import makers
from limen_provider import decisions, schemas
from limen_provider.changes import compare
from limen_provider.claim_items import check_items, item_requests, lacking
from limen_provider.errors import InitFailed
from limen_provider.fields import Inputs, given
from limen_provider.hosts import libvirt_uri
from limen_provider.properties import UNKNOWN, is_known
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.services import Services

_INPUTS = ("project", "host", "libvirtUri", "items", "owner", "fingerprint", "claimId", "takeover")


class QuotaClaim:
    """Never replaced: its identity is the claim's UUID, minted in the first Check."""

    type_name: ClassVar[str] = "limen:index:QuotaClaim"
    schema: ClassVar[dict[str, Any]] = schemas.QUOTA_CLAIM

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        """Whether the inputs are right and, asked of the API, whether all of it fits."""
        defaults = {
            "owner": {"kind": "stack", "name": f"{call.program}/{call.stack}"},
            "fingerprint": {"backend": "unknown", "project": call.program, "stack": call.stack},
        }
        inputs = Inputs({**defaults, **news}, _INPUTS)
        checked = given(
            project=inputs.text("project"),
            host=inputs.text("host"),
            libvirtUri=inputs.text("libvirtUri", required=False),
            items=check_items(inputs, news.get("items")),
            owner=inputs.texts("owner", ("kind", "name")),
            fingerprint=inputs.texts("fingerprint", ("backend", "project", "stack")),
            claimId=inputs.uuid("claimId", required=False) or olds.get("claimId") or _mint(call),
            takeover=inputs.flag("takeover"),
        )
        for name in ("project", "host", "owner", "fingerprint", "claimId"):
            if not is_known(checked.get(name)):
                inputs.fail(name, "This must be known before anything is built: the quota check needs it.")
        if not inputs.failures:
            self._explain(call, inputs, checked)
        if not inputs.failures:
            self._check_names(call, inputs, olds, checked)
        return Checked(checked, inputs.failures)

    def _explain(self, call: Call, inputs: Inputs, checked: Properties) -> None:
        question = _question(checked)
        try:
            decision = self._services.client.explain(**question)
        except ApiError as error:
            if error.code not in ("not_found", "invalid"):
                raise
            inputs.fail("", str(error))
            return
        decisions.hand_over(decision, question)
        if not decision.get("allowed", False):
            if message := decisions.question_for_programs(question):
                call.log.info(message)
            inputs.fail("", str(decision.get("text", "The quota check denied this claim.")))
            return
        if decision.get("warnings"):
            call.log.warning(str(decision["text"]))

    def _check_names(self, call: Call, inputs: Inputs, olds: Properties, checked: Properties) -> None:
        """Names are shared by all stacks of a host: better told now than by libvirt, halfway through."""
        uri = checked.get("libvirtUri")
        if not isinstance(uri, str):
            return
        names = _names(checked["items"])
        if self._services.preview_only is not None:
            if names.keys() - _names(olds.get("items") or {}).keys():
                call.log.info("Without access to the host it is unknown whether the new names are free.")
            return
        try:
            made = makers(self._services.hosts.connection(uri), names)
        except HypervisorError:
            return  # The stack's other resources will say so, those that need the host.
        for (kind, name), hint in made.items():
            if hint.claim != checked["claimId"]:
                inputs.fail(
                    f'items["{names[kind, name]}"].name',
                    f"On this host {name} is the {kind} of {hint.owner} in project {hint.project} (claim "
                    f"{hint.claim}): give this stack names of its own, `pulumi config set limen:name NAME`.",
                )

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        """Compare with the ledger as well: what it no longer holds must be admitted again."""
        changes = compare(old_inputs, news)
        claim = self._claim(resource_id)
        drift, why = _drift(claim, news)
        if why and not changes:
            call.log.info(why)
        return Diff(changes, drift)

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        claim_id = inputs["claimId"]
        if preview:
            return Created("", self._planned(inputs))
        try:
            claim = self._reserve(claim_id, inputs, claim=None)
        except ApiUnavailable as error:
            # Nobody knows whether it was reserved: the state keeps the id, so that the next run goes on.
            raise InitFailed(claim_id, {**inputs, "generation": 0, "charge": {}}, str(error)) from error
        return Created(claim_id, self._outputs(inputs, claim))

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if preview:
            same_host = olds.get("host") == inputs.get("host")
            return {**self._planned(inputs), **given(hostUuid=olds.get("hostUuid") if same_host else None)}
        claim = self._reserve(resource_id, inputs, self._claim(resource_id))
        return self._outputs(inputs, claim)

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """A claim that is gone stays in the state: its id is what the VMs' identities are made of."""
        claim = self._claim(resource_id)
        if not inputs:
            return None if claim is None else self._imported(resource_id, claim)
        if claim is None:
            call.log.warning("The ledger does not know this claim; `pulumi up` will have it admitted again.")
            return Found(resource_id, inputs, {**outputs, "generation": 0, "charge": {}})
        inputs = {**inputs, "project": claim["project"]}
        return Found(resource_id, inputs, self._outputs(inputs, claim))

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Release what is left; conditional on the generation, and on the claim still being this stack's."""
        self._services.heartbeats.let_go(resource_id)
        generation = int(outputs.get("generation", 0))
        try:
            if generation:
                self._services.client.release_claim(resource_id, generation)
                return
        except ApiError as error:
            if error.code == "not_found":
                return
            if error.code != "stale_generation":
                raise
        claim = self._claim(resource_id)
        if claim is None:
            return
        if claim["fingerprint"] != outputs.get("fingerprint"):
            call.log.warning(
                f"The claim {resource_id} was taken over by {claim['owner']['name']}; it is left as it is."
            )
            return
        self._services.client.release_claim(resource_id, claim["generation"])

    def _claim(self, claim_id: str) -> dict[str, Any] | None:
        try:
            return self._services.client.get_claim(claim_id)
        except ApiError as error:
            if error.code == "not_found":
                return None
            raise

    def _reserve(self, claim_id: str, inputs: Properties, claim: dict[str, Any] | None) -> dict[str, Any]:
        """Create or grow the claim, whichever it needs; another writer in between costs one more try."""
        try:
            result = self._write(claim_id, inputs, claim)
        except QuotaDenied as error:  # by another stack that came in between
            decisions.hand_over(error.decision, _question(inputs))
            raise
        except ApiError as error:
            if error.code not in ("conflict", "stale_generation"):
                raise
            current = self._claim(claim_id)
            if current is None or current["fingerprint"] != inputs["fingerprint"]:
                raise
            result = self._write(claim_id, inputs, current)
        self._services.heartbeats.hold(claim_id)
        return result

    def _write(self, claim_id: str, inputs: Properties, claim: dict[str, Any] | None) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "project": inputs["project"],
            "owner": inputs["owner"],
            "fingerprint": inputs["fingerprint"],
            "host": inputs["host"],
            "items": item_requests(inputs["items"]),
            "takeover": bool(inputs.get("takeover", False)),
        }
        if claim is None:
            return self._services.client.create_claim(claim_id, **wanted)
        return self._services.client.change_claim(claim_id, generation=claim["generation"], **wanted)

    def _planned(self, inputs: Properties) -> dict[str, Any]:
        return {**inputs, "hostUuid": UNKNOWN, "generation": UNKNOWN, "charge": UNKNOWN}

    def _outputs(self, inputs: Properties, claim: dict[str, Any]) -> dict[str, Any]:
        return {
            **inputs,
            "hostUuid": claim["host"],
            "generation": claim["generation"],
            "charge": claim["charge"],
        }

    def _imported(self, claim_id: str, claim: dict[str, Any]) -> Found:
        items = {
            item["key"]: given(
                kind=item["kind"], name=item["name"], volume=item["volume"], amounts=_spelled(item["claimed"])
            )
            for item in claim["items"]
        }
        host = self._services.client.get_host(claim["host"])
        inputs = given(
            project=claim["project"],
            host=host.get("name") or claim["host"],
            libvirtUri=libvirt_uri(host),
            items=items,
            owner=claim["owner"],
            fingerprint=claim["fingerprint"],
            claimId=claim_id,
        )
        return Found(claim_id, inputs, self._outputs(inputs, claim))


def _mint(call: Call) -> str:
    """A new claim's id: random, but the same in a plan and in the update that carries the plan out."""
    if not call.seed:
        return str(uuid.uuid4())
    digest = hashlib.sha256(call.seed + call.urn.encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _question(inputs: Properties) -> dict[str, Any]:
    """What `POST /api/quota/explain` is asked."""
    return {
        "project": inputs["project"],
        "claim": inputs["claimId"],
        "host": inputs["host"],
        "items": item_requests(inputs["items"]),
    }


def _names(items: Mapping[str, Any]) -> dict[tuple[Any, str], str]:
    """Kind and name of the items that libvirt knows by name, each with its key."""
    return {
        (item["kind"], item["name"]): key
        for key, item in items.items()
        if item["kind"] in ("vm", "network") and is_known(item["name"])
    }


def _spelled(amounts: dict[str, str]) -> dict[str, Any]:
    return Inputs({}, ()).amounts(amounts, "amounts")


def _drift(claim: dict[str, Any] | None, news: Properties) -> tuple[list[str], str]:
    """Outputs that the ledger no longer matches, and the sentence that says so."""
    if claim is None:
        return ["generation"], "The ledger does not hold this claim: it will be admitted again."
    # A claim whose last item went counts as released; a stack that wants nothing is content with that.
    if claim["state"] != "held" and news["items"]:
        return ["generation"], "This claim was released: it will be admitted again."
    if claim["project"] != news["project"]:
        return ["project"], f"The ledger holds this claim in the project {claim['project']}."
    if claim["fingerprint"] != news["fingerprint"]:
        return ["fingerprint"], f"This claim was taken over by {claim['owner']['name']}."
    keys = lacking(news["items"], {item["key"]: item for item in claim["items"]})
    if keys:
        return ["generation"], f"The ledger does not hold as wanted: {', '.join(keys)}."
    return [], ""
