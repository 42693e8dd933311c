import struct
from pathlib import Path

import pytest

from limen.hypervisor import images
from limen.hypervisor.connection import Connection
from limen.hypervisor.errors import Refused

SHA = "0123456789abcdef" * 4


class Untouched:
    """A host that must not be called."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the host was asked for {name}")


def header(version: int = 3, backing: int = 0, features: int = 0) -> bytes:
    return b"QFI\xfb" + struct.pack(">IQ", version, backing) + bytes(56) + struct.pack(">Q", features)


def test_an_images_name_is_its_checksum() -> None:
    assert images.image_name(SHA.upper()) == f"limen-image-{SHA}.qcow2"


@pytest.mark.parametrize("text", ["", "abc", SHA + "0", SHA[:-1] + "g", SHA[:-1] + "/", SHA + "\n"])
def test_what_is_no_checksum_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="64 hexadecimal digits"):
        images.image_name(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (header(), "has the SHA-256"),
        (b"raw image", "no qcow2 image"),
        (b"", "no qcow2 image"),
        (header(backing=104), "refers to another file"),
        (header(version=2, backing=104), "refers to another file"),
        (header(features=4), "refers to another file"),
    ],
    ids=["another", "raw", "empty", "backing", "backing-v2", "data-file"],
)
def test_a_bad_file_is_refused_before_the_host_is_touched(tmp_path: Path, content: bytes, words: str) -> None:
    source = tmp_path / "image"
    source.write_bytes(content)
    with pytest.raises(Refused, match=words):
        images.ensure_image(Connection("uri", Untouched(), False), "default", source, SHA)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file"):
        images.ensure_image(Connection("uri", Untouched(), False), "default", tmp_path / "none", SHA)
