"""`limen:index:DomainSize`: vCPUs and memory of a domain, changed in place."""

from typing import Any, ClassVar

from limen.hypervisor.connection import Connection
from limen.hypervisor.domains import GRACEFUL_SECONDS, Stopped, find_domain, stop_domain
from limen.hypervisor.errors import NotFound, Refused
from limen.hypervisor.model import DomainSeen, Size
from limen.hypervisor.resize import Way, plan_resize, resize_domain
from limen.quota.units import display_amount
from limen_provider import schemas
from limen_provider.changes import compare
from limen_provider.errors import ProviderError
from limen_provider.fields import Inputs, given
from limen_provider.hosts import required_uri
from limen_provider.resource import Call, Checked, Created, Diff, Found, Properties
from limen_provider.resources.hosted import BY_STATE, Hosted, known

_INPUTS = (
    *("libvirtUri", "uuid", "vcpus", "memory", "maxVcpus", "maxMemory"),
    *("shutdownSeconds", "allowRestart", "allowHard", "running"),
)
_KIB = 1024
_WORDS: dict[Way, str] = {"live": "live", "restart": "with a restart of the guest", "none": "nothing to do"}


class DomainSize(Hosted):
    """Its id is the domain's UUID. Deleting it shuts the guest down: its domain goes next."""

    type_name: ClassVar[str] = "limen:index:DomainSize"
    schema: ClassVar[dict[str, Any]] = schemas.DOMAIN_SIZE

    def check(self, call: Call, olds: Properties, news: Properties) -> Checked:
        inputs = Inputs(news, _INPUTS)
        checked = given(
            libvirtUri=inputs.text("libvirtUri"),
            uuid=inputs.uuid("uuid"),
            vcpus=inputs.whole("vcpus", 1),
            memory=inputs.whole("memory", _KIB),
            maxVcpus=inputs.whole("maxVcpus", 1, required=False),
            maxMemory=inputs.whole("maxMemory", _KIB, required=False),
            shutdownSeconds=inputs.number("shutdownSeconds"),
            allowRestart=inputs.flag("allowRestart"),
            allowHard=inputs.flag("allowHard"),
            running=inputs.flag("running"),
        )
        return Checked(checked, inputs.failures)

    def diff(
        self, call: Call, resource_id: str, old_inputs: Properties, olds: Properties, news: Properties
    ) -> Diff:
        """Look at the domain as well, and say which way the change will be made, before it is."""
        changes = compare(old_inputs, news)
        if "uuid" in changes:  # also when it is not known yet: then the domain itself is replaced
            return Diff(changes, replaces=["uuid"], delete_before_replace=True)
        if not known(news, "libvirtUri", "uuid", "vcpus", "memory"):
            return Diff(changes)
        domain = _by_state(call, olds) if self.blind else self._find(call, news)
        if domain is None:
            return Diff(changes)
        way = plan_resize(domain, *_size(news), *_ceilings(news))
        if way == "restart" and not _may_restart(news):
            raise Refused(
                f"{_sentence(domain, news)} only with a restart of the guest: set allowRestart, "
                "or stay within its ceilings."
            )
        if way != "none":
            call.log.info(f"{_sentence(domain, news)}, {_WORDS[way]}.{BY_STATE if self.blind else ''}")
        return Diff(changes, ["vcpus", "memory"] if way != "none" else [])

    def create(self, call: Call, inputs: Properties, preview: bool) -> Created:
        if not preview:
            self._resize(call, inputs)
        return Created("" if preview else inputs["uuid"], inputs)

    def update(
        self, call: Call, resource_id: str, olds: Properties, inputs: Properties, preview: bool
    ) -> Properties:
        if not preview:
            self._resize(call, inputs)
        return inputs

    def read(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> Found | None:
        """The true size; where only the guest lags behind its definition, the definition."""
        inputs = inputs or {"libvirtUri": required_uri(), "uuid": resource_id}
        domain = self._find(call, inputs)
        if domain is None:
            return None
        size = domain.defined or domain.live
        if size is None:
            raise ProviderError(f"Libvirt tells no size of the domain {domain.name}.")
        as_wanted = known(inputs, "vcpus", "memory") and (
            plan_resize(domain, *_size(inputs), *_ceilings(inputs)) == "none"
        )
        if not as_wanted:
            inputs = {**inputs, "vcpus": size.vcpus, "memory": size.memory}
        return Found(resource_id, inputs, inputs)

    def delete(self, call: Call, resource_id: str, inputs: Properties, outputs: Properties) -> None:
        """Off it must be, gracefully if it will: a guest that hangs would not let go of its devices."""
        seconds = _seconds(outputs)

        def stop(connection: Connection) -> Stopped:
            return stop_domain(connection, resource_id, seconds, allow_hard=True)

        try:
            way = self.on_host(call, outputs, stop, f"the guest {resource_id} to shut down")
        except NotFound:
            return
        if way == "hard" and seconds > 0:
            call.log.warning(f"The guest {resource_id} did not shut down within {seconds:g} s: powered off.")

    def _find(self, call: Call, inputs: Properties) -> DomainSeen | None:
        return self.on_host(
            call, inputs, lambda host: find_domain(host, inputs["uuid"]), f"libvirt at {inputs['libvirtUri']}"
        )

    def _resize(self, call: Call, inputs: Properties) -> None:
        def resize(connection: Connection) -> Way:
            return resize_domain(
                connection,
                inputs["uuid"],
                *_size(inputs),
                graceful_seconds=_seconds(inputs),
                allow_restart=_may_restart(inputs),
                allow_hard=bool(inputs.get("allowHard", False)),
                max_vcpus=_ceilings(inputs)[0],
                max_memory=_ceilings(inputs)[1],
                running=inputs.get("running"),
            )

        way = self.on_host(call, inputs, resize, "the guest to be resized")
        if way != "none":
            call.log.info(f"Resized {_WORDS[way]}.")


def _by_state(call: Call, olds: Properties) -> DomainSeen | None:
    """The domain as it was left: running, and with no ceilings but the declared ones."""
    if not known(olds, "uuid", "vcpus", "memory"):
        return None
    vcpus, memory = _size(olds)
    max_vcpus, max_memory = _ceilings(olds)
    size = Size(vcpus, memory, max(vcpus, max_vcpus or 0), max(memory, max_memory or 0))
    live = None if olds.get("running") is False else size
    return DomainSeen(olds["uuid"], call.name, "running", autostart=False, live=live, defined=size)


def _size(inputs: Properties) -> tuple[int, int]:
    return inputs["vcpus"], inputs["memory"]


def _ceilings(inputs: Properties) -> tuple[int | None, int | None]:
    vcpus, memory = inputs.get("maxVcpus"), inputs.get("maxMemory")
    return vcpus if isinstance(vcpus, int) else None, memory if isinstance(memory, int) else None


def _may_restart(inputs: Properties) -> bool:
    return inputs.get("allowRestart") is not False


def _seconds(properties: Properties) -> float:
    return float(properties.get("shutdownSeconds", GRACEFUL_SECONDS))


def _sentence(domain: DomainSeen, news: Properties) -> str:
    """What changes in the definition; what a guest's balloon holds meanwhile is the guest's affair."""
    size = domain.defined or domain.live
    vcpus, memory = (size.vcpus, size.memory) if size else (domain.vcpus, domain.memory)
    parts = []
    if vcpus != news["vcpus"]:
        parts.append(f"from {vcpus} to {news['vcpus']} vcpus")
    if memory != news["memory"]:
        before, after = (display_amount(amount, "memory") for amount in (memory, news["memory"]))
        parts.append(f"from {before} to {after} of memory")
    return f"{domain.name} goes {' and '.join(parts) or 'to its ceilings'}"
