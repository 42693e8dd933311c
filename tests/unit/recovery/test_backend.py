"""What a killed pulumi leaves in a backend of files; with pulumi: integration/scenarios/test_recover.py."""

from pathlib import Path

import pytest

from limen.recovery.backend import drop_unwritten, folder_of

PROGRAM = Path("/srv/program")


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///var/lib/pulumi", "/var/lib/pulumi"),
        ("file:///var/lib/pulumi?no_tmp_dir=true", "/var/lib/pulumi"),
        ("file://../state", "/srv/state"),
        ("file://.", "/srv/program"),
        ("file://~", "/home/someone"),
        ("file://~/state", "/home/someone/state"),
    ],
)
def test_a_backend_of_files_has_a_folder(monkeypatch: pytest.MonkeyPatch, url: str, folder: str) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert folder_of(url, PROGRAM) == Path(folder)


@pytest.mark.parametrize("url", ["s3://bucket/state", "postgres://host/base", "https://state.example", ""])
def test_others_have_none(url: str) -> None:
    assert folder_of(url, PROGRAM) is None


def test_only_attributes_that_were_never_written_go(tmp_path: Path) -> None:
    stacks = tmp_path / ".pulumi" / "stacks" / "program"
    stacks.mkdir(parents=True)
    for name, content in {
        "dev.json": "{}",
        "dev.json.attrs": "",
        "other.json.attrs": "{}",
        "empty.json": "",
    }.items():
        (stacks / name).write_text(content)
    assert drop_unwritten(tmp_path) == [stacks / "dev.json.attrs"]
    assert sorted(path.name for path in stacks.iterdir()) == ["dev.json", "empty.json", "other.json.attrs"]
    assert drop_unwritten(tmp_path) == []
