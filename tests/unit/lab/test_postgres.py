"""Which PostgreSQL the lab runs."""

from pathlib import Path

from tests.lab.postgres import newest


def test_the_newest_of_several_versions_by_number(tmp_path: Path) -> None:
    for name in ("9", "15", "17", "common"):
        (tmp_path / name / "bin").mkdir(parents=True)
    assert newest(tmp_path) == tmp_path / "17" / "bin"


def test_without_any_there_is_no_folder(tmp_path: Path) -> None:
    assert not newest(tmp_path).exists()
