"""Names on a host are shared by every stack that builds there."""

import uuid

from limen.hypervisor.connection import Connection
from limen.hypervisor.domains import set_hint
from limen.hypervisor.model import Hint
from tests.integration.provider.conftest import MakeDomain
from tests.unit.provider.stack import claim_inputs, vm_item
from tests.unit.provider.wire import Provider


def test_a_name_that_another_stack_took_is_refused_in_check(
    provider: Provider, conn: Connection, host: str, domain: MakeDomain
) -> None:
    identity, theirs = domain(), str(uuid.uuid4())
    name = conn.run(lambda handle: handle.lookupByUUIDString(identity).name())
    inputs = claim_inputs(host, libvirtUri=conn.uri, items={"vm:web": vm_item(name=name)})
    wire = provider.of("QuotaClaim")
    assert not wire.check(inputs)[1], "what nobody signed may be anybody's: libvirt has the last word"

    set_hint(conn, identity, Hint("vm_stack/dev", "other", theirs, "vm:web"))

    _, failures = wire.check(inputs)
    assert list(failures) == ['items["vm:web"].name']
    said = failures['items["vm:web"].name']
    assert said.startswith(f"On this host {name} is the vm of vm_stack/dev in project other (claim {theirs})")
    assert not wire.check({**inputs, "claimId": theirs})[1], "its own"
