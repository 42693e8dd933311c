import pytest

from limen_policy.policies.checked_images import POLICY
from limen_policy.resource import Resource
from limen_provider.properties import UNKNOWN
from tests.unit.policy.stacks import SHA256, admission, domain, found, image, volume

DISK = admission("disk:web")


def test_a_disk_of_an_image_whose_checksum_was_admitted_passes() -> None:
    assert found(POLICY, image(), DISK, volume(DISK, image()), domain(admission())) == []
    assert found(POLICY, image(sha256=SHA256.upper()), DISK, volume(DISK, image())) == []


@pytest.mark.parametrize("sha256", [None, "", "abc", "g" * 64])
def test_an_image_has_a_checksum(sha256: str | None) -> None:
    assert found(POLICY, image(sha256=sha256)) == ["debian: is an image without a SHA-256"]


def test_images_come_from_where_the_configuration_says() -> None:
    assert found(POLICY, image(), sources=["https://", "/srv/"]) == []
    assert found(POLICY, image(), sources=["https://a/", "/images/"]) == [
        "debian: comes from none of https://a/, /images/"
    ]


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        (volume(DISK, source="https://a/b.qcow2"), "is filled from `source`, which has no checksum"),
        (volume(DISK, source=UNKNOWN), "is filled from `source`, which has no checksum"),
        (volume(DISK, baseVolumeId="/srv/b"), "is made of a `baseVolumeId` that is no image of this stack"),
        (volume(DISK, baseVolumeName="b"), "is made of a `baseVolumeName` that is no image of this stack"),
        (
            domain(disks=[{"volumeId": "/v"}, {"url": "https://a/b.iso"}]),
            "has a disk from `disks[1].url`, which has no checksum",
        ),
        (domain(disks=[{"file": "/srv/b.iso"}]), "has a disk from `disks[0].file`, which has no checksum"),
    ],
)
def test_nothing_else_fills_a_disk(resource: Resource, text: str) -> None:
    assert found(POLICY, resource) == [f"web: {text}"]


@pytest.mark.parametrize(("named", "words"), [(None, "no checksum of"), ("cd" * 32, "another checksum than")])
def test_the_admission_carries_the_images_checksum(named: str | None, words: str) -> None:
    disk = admission("disk:web", imageSha256=named)
    assert found(POLICY, image(), disk, volume(disk, image())) == [
        f"web: is made of debian, but disk:web names {words} that image"
    ]


def test_a_disk_that_is_there_keeps_the_base_that_it_was_made_of() -> None:
    there = volume(DISK, id="/srv/web", baseVolumeId="/srv/old", ignored=frozenset(("baseVolumeId",)))
    assert found(POLICY, there) == []


def test_what_is_not_known_is_said() -> None:
    assert found(POLICY, image(sha256=UNKNOWN, source=UNKNOWN), sources=["/srv/"]) == [
        "debian: checked-images cannot judge it yet, `sha256` is not known before the update",
        "debian: checked-images cannot judge it yet, `source` is not known before the update",
    ]
    disk = admission("disk:web", imageSha256=UNKNOWN)
    assert found(POLICY, image(), disk, volume(disk, image())) == [
        "web: checked-images cannot judge it yet, `imageSha256` of disk:web is not known before the update"
    ]
