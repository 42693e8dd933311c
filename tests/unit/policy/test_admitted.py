from typing import Any

import pytest

from limen_policy import kinds
from limen_policy.policies.admitted import POLICY
from limen_policy.resource import Resource
from limen_provider.properties import UNKNOWN, Secret
from tests.unit.policy.stacks import UUID, admission, claim, domain, found, made, volume

VM, DISK, LAN = admission(), admission("disk:web"), admission("network:lan")
OTHER = "urn:uuid:00000000-0000-4000-8000-000000000000"


def judged(*resources: Resource, **settings: Any) -> list[str]:
    return found(POLICY, claim(), VM, DISK, LAN, *resources, **settings)


def network(**changes: Any) -> Resource:
    given = {"id": UNKNOWN, "name": "dev-lan", "xml": {"xslt": UUID}}
    return made(kinds.NETWORK, "lan", {"xml": [LAN]}, **{**given, **changes})


def test_what_is_admitted_as_it_is_built_passes() -> None:
    disk = volume(DISK)
    vm = domain(VM, disk)
    size = made(kinds.DOMAIN_SIZE, "web", {"vcpus": [VM], "uuid": [vm]}, vcpus=2, memory=1024**3)
    grown = made(kinds.VOLUME_SIZE, "web", {"size": [DISK], "name": [disk]}, size=8 * 1024**3)
    seed = made(kinds.CLOUD_INIT_DISK, "web", {"metaData": [VM]})
    script = made(kinds.COMBUSTION, "web", {"content": [VM]})
    more = made(kinds.CLOUD_INIT_DISK, "web-2", {"metaData": [VM]})
    assert judged(disk, vm, size, grown, seed, more, script, network()) == []


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        (kinds.DOMAIN, " of kind vm"),
        (kinds.VOLUME, " of kind disk"),
        (kinds.NETWORK, " of kind network"),
        (kinds.CLOUD_INIT_DISK, " of kind vm"),
        (kinds.IGNITION, " of kind vm"),
        (kinds.DOMAIN_SIZE, " of kind vm"),
        (kinds.VOLUME_SIZE, " of kind disk"),
        ("libvirt:index/secret:Secret", ""),
    ],
)
def test_nothing_passes_without_an_admission(kind: str, wanted: str) -> None:
    assert judged(made(kind, "x")) == [f"x: hangs on no Admission{wanted}, so nobody admitted it"]


def test_an_admission_of_another_kind_admits_nothing() -> None:
    assert judged(made(kinds.VOLUME, "x", {"size": [VM]})) == [
        "x: hangs on no Admission of kind disk, so nobody admitted it"
    ]


def test_pools_are_exempt_and_so_is_what_the_configuration_says() -> None:
    assert judged(made(kinds.POOL, "p")) == []
    assert judged(made(kinds.POOL, "p"), exempt=[]) != []
    assert judged(made(kinds.DOMAIN, "x"), exempt=[kinds.DOMAIN]) == []


def test_other_providers_are_none_of_its_business() -> None:
    assert judged(made("random:index/randomId:RandomId", "x"), made("pulumi:providers:libvirt", "x")) == []


def test_two_domains_do_not_share_an_admission() -> None:
    second = domain(VM, called="web-2")
    assert judged(domain(VM), second) == [
        "web: shares its Admission with web-2, but one Admission admits one thing",
        "web-2: shares its Admission with web, but one Admission admits one thing",
    ]


def test_one_domain_does_not_add_up_two_admissions() -> None:
    more = admission("vm:more")
    vm = made(kinds.DOMAIN, "x", {"vcpu": [VM], "memory": [more]})
    assert judged(more, vm) == ["x: hangs on 2 Admissions (vm:more, vm:web), but one thing has one"]


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        (domain(VM, vcpu=3), "web: has a `vcpu` of 3, more than vm:web admits"),
        (domain(VM, memory=1025), "web: has a `memory` of 1025, more than vm:web admits"),
        (domain(VM, memory=None), "web: has no `memory`: take it from vm:web"),
        (volume(DISK, size=2**40), f"web: has a `size` of {2**40}, more than disk:web admits"),
        (domain(VM, name="dev-db"), "web: is not called dev-web on the host, which is what vm:web admits"),
        (
            volume(DISK, pool="ssd"),
            "web: is not called default/dev-web on the host, which is what disk:web admits",
        ),
        (network(name="lan"), "lan: is not called dev-lan on the host, which is what network:lan admits"),
        (domain(VM, xml={"xslt": OTHER}), f"web: will not have the UUID {UUID} that vm:web admits"),
        (domain(VM, xml=None), f"web: will not have the UUID {UUID} that vm:web admits"),
        (domain(VM, id=OTHER), f"web: has not the UUID {UUID} that vm:web admits"),
        (network(id=OTHER), f"lan: has not the UUID {UUID} that network:lan admits"),
        (
            domain(VM, provider={"uri": "qemu+ssh://b/system"}),
            "web: is made by another libvirt than the one that vm:web is admitted at",
        ),
        (
            domain(VM, disks=[{"blockDevice": "/dev/sdb"}]),
            "web: takes a block device of the host, `disks[0]`, which nobody admitted",
        ),
        (
            domain(VM, disks=[{"volumeId": "/srv/else.qcow2"}]),
            "web: takes a volume, `disks[0]`, that is none of this stack's",
        ),
    ],
)
def test_an_admission_admits_this_thing_at_this_size_here(resource: Resource, text: str) -> None:
    assert judged(resource) == [text]


def test_a_change_in_place_is_held_to_the_size_and_the_thing() -> None:
    vm = domain(VM)
    large = made(kinds.DOMAIN_SIZE, "web", {"vcpus": [VM], "uuid": [vm]}, vcpus=64, memory=1024**3)
    assert judged(vm, large) == ["web: has a `vcpus` of 64, more than vm:web admits"]
    elsewhere = made(kinds.DOMAIN_SIZE, "web", {"vcpus": [VM]}, vcpus=2, memory=1024**3, uuid=OTHER)
    assert judged(vm, elsewhere) == ["web: changes something else than what vm:web admits"]


def test_secret_sizes_are_judged_and_not_shown() -> None:
    assert judged(domain(VM, memory=Secret(1024))) == []
    assert judged(domain(VM, memory=Secret(1025))) == [
        "web: has a `memory` of (a secret), more than vm:web admits"
    ]


def test_an_admission_of_another_stacks_claim_does_not_count() -> None:
    foreign = admission(claimId="another")
    assert found(POLICY, claim(), foreign, domain(foreign)) == [
        "web: hangs on vm:web, which belongs to no claim of this stack"
    ]
    assert found(POLICY, claim(items={}), VM, domain(VM)) == [
        "web: hangs on vm:web, but the claim has no item vm:web"
    ]


def test_what_there_is_keeps_sizes_whose_changes_are_made_in_place() -> None:
    """A VM that shrank: libvirt's resource remembers the size that it was made with."""
    ignored = frozenset(("vcpu", "memory", "xml", "disks"))
    disks = [{"blockDevice": "/dev/sdb"}]
    settled = domain(VM, id=UUID, vcpu=8, memory=8192, ignored=ignored, disks=disks)
    assert judged(settled) == []
    assert len(judged(domain(VM, vcpu=8, memory=8192, ignored=ignored, disks=disks))) == 3


@pytest.mark.parametrize(
    ("resources", "what"),
    [
        ([VM, domain(VM, name=UNKNOWN)], "`name`"),
        ([VM, domain(VM, xml=UNKNOWN)], "`xml.xslt`"),
        ([VM, domain(VM, xml={"xslt": UNKNOWN})], "`xml.xslt`"),
        ([VM, domain(VM, disks=UNKNOWN)], "`disks`"),
        ([VM, domain(VM, provider={"uri": UNKNOWN})], "`uri`"),
        ([admission(vcpus=UNKNOWN), domain(admission())], "`vcpus` of vm:web"),
        ([admission(uuid=UNKNOWN), domain(admission())], "`uuid` of vm:web"),
        ([admission(key=UNKNOWN), domain(admission())], "`key` of vm:web"),
    ],
)
def test_what_is_not_known_is_said(resources: list[Resource], what: str) -> None:
    messages = found(POLICY, claim(), *resources)
    assert len(messages) == 1
    assert messages[0].startswith(f"web: admitted cannot judge it yet, {what}")


def test_a_size_that_is_wired_from_the_admission_needs_not_be_known() -> None:
    assert judged(domain(VM, vcpu=UNKNOWN)) == []
    unwired = made(kinds.VOLUME, "web", {"name": [DISK]}, name="dev-web", pool="default", size=UNKNOWN)
    assert judged(unwired) == ["web: admitted cannot judge it yet, `size` is not known before the update"]
