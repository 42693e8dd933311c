"""What the guest image is keyed by, and what it is told about archives."""

from pathlib import Path

import pytest

from tests.lab import aptconf, image
from tests.lab.errors import LabError

SOURCES = [aptconf.Source("https://mirror.test/debian", "bookworm", "main")]


def test_the_key_changes_with_every_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = {image.key("bookworm", SOURCES), image.key("bookworm", []), image.key("trixie", SOURCES)}
    script = tmp_path / "customize.sh"
    script.write_text(image.SCRIPT.read_text() + "\n")
    for name, value in (("SIZE", "3G"), ("PACKAGES", ("vim",)), ("SCRIPT", script)):
        with monkeypatch.context() as changed:
            changed.setattr(image, name, value)
            keys.add(image.key("bookworm", SOURCES))
    assert len(keys) == 6
    assert image.key("bookworm", SOURCES) in keys


def test_the_guest_checks_signatures_and_asks_through_the_proxy() -> None:
    assert image.guest_sources(SOURCES) == (
        f"deb [signed-by={aptconf.KEYRING}] http://HTTPS///mirror.test/debian bookworm main\n"
    )


def test_a_half_built_image_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "disk.qcow2").write_bytes(b"half")
    assert image.cached(tmp_path) is None


def test_a_suite_that_nobody_tried_is_refused_by_name() -> None:
    with pytest.raises(LabError, match="bookworm and trixie"):
        image.build("forky")
