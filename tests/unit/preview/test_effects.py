"""What a reviewer must see of VMs and data."""

from typing import Any

import pytest

from limen.preview.effects import RESTART_WORDS, effects
from limen.preview.model import Effect
from limen.preview.reading import read_preview
from limen_provider.resources import domain_size, volume_size
from tests.unit.preview.previews import DOMAIN, NETWORK, VM, VOLUME, diagnostic, digest, step

WEB = f"{VM}::web"
SIZE, GROWN = "limen:index:DomainSize", "limen:index:VolumeSize"
CARD, DISK = "limen:index:NetworkAttachment", "limen:index:DiskAttachment"
ROOT = f"{VM}$limen:index:Disk::web-root"


def seen(*steps: dict[str, Any], said: str = "") -> list[tuple[str, str]]:
    """(way, subject) of each effect; the first step's provider said something."""
    told = (diagnostic("info", said, steps[0]["urn"]),) if said else ()
    return [(each.way, each.subject) for each in found(*steps, told=told)]


def found(*steps: dict[str, Any], told: tuple[dict[str, Any], ...] = ()) -> tuple[Effect, ...]:
    return effects(read_preview(digest(*steps, said=told)))


@pytest.mark.parametrize("op", ["delete", "replace", "delete-replaced", "create-replacement"])
def test_a_disk_that_goes_takes_its_data_along(op: str) -> None:
    assert seen(step(op, VOLUME, "data")) == [("data loss", "disk data")]


def test_a_disk_that_stays_on_its_host_loses_nothing() -> None:
    assert seen(step("delete", VOLUME, "data", retainOnDelete=True)) == [("delete", "disk data")]
    assert seen(step("create", VOLUME, "data")) == []


def test_the_gravest_comes_first_and_a_replacement_is_told_once() -> None:
    steps = (
        step("create", DOMAIN, "new"),
        step("delete", DOMAIN, "old"),
        *(step(op, DOMAIN, "web", WEB) for op in ("delete-replaced", "replace", "create-replacement")),
        step("replace", SIZE, "web", WEB),
        step("replace", CARD, "web-eth0", WEB),
        step("replace", VOLUME, "web-root", ROOT),
        step("replace", GROWN, "web-root", ROOT),
        step("replace", NETWORK, "lan"),
    )
    assert seen(*steps) == [
        ("data loss", "disk web-root"),
        ("delete", "VM old"),
        ("replace", "VM web"),
        ("replace", "network lan"),
    ]


def test_a_change_of_size_says_whether_the_guest_restarts() -> None:
    resized = step("update", SIZE, "web", WEB)
    for way, word in (("restart", "restart"), ("live", "live")):
        said = f"web goes from 1 to 2 vcpus, {domain_size._WORDS[word]}."
        assert seen(resized, said=said) == [(way, "VM web")]
        [effect] = found(resized, told=(diagnostic("info", said, resized["urn"]),))
        assert effect.sentence == said
    assert domain_size._WORDS["restart"] == RESTART_WORDS, "the report reads the provider's words"


def test_what_is_plugged_in_or_grows_is_live() -> None:
    assert seen(step("update", GROWN, "data"), said="default/data grows, live.") == [("live", "disk data")]
    assert seen(step("create", CARD, "web-eth1", WEB)) == [("live", "network card web-eth1")]
    assert seen(step("delete", DISK, "web-vdb", WEB)) == [("live", "disk web-vdb")]
    assert seen(step("update", "limen:index:DomainMetadata", "web", WEB)) == [("live", "VM web")]


@pytest.mark.parametrize("op", ["create", "delete", "replace"])
def test_what_comes_or_goes_with_its_vm_is_no_news(op: str) -> None:
    alone = seen(step(op, DOMAIN, "web", WEB))
    assert seen(step(op, DOMAIN, "web", WEB), step(op, CARD, "web-eth0", WEB)) == alone


def test_reasons_of_a_replacement_are_told() -> None:
    replaced = {**step("replace", DOMAIN, "web"), "replaceReasons": ["machine", 'cpu["mode"]']}
    [effect] = found(replaced)
    assert effect.sentence.endswith("(cpu, machine)")


def test_the_provider_has_a_size_of_volumes() -> None:
    """Types are named here without importing the provider."""
    assert (domain_size.DomainSize.type_name, volume_size.VolumeSize.type_name) == (SIZE, GROWN)
