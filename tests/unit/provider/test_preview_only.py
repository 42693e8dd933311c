"""What stands for the host in a preview that has no access to it."""

from pathlib import Path

import pytest

from limen_provider.preview_only import VARIABLE, NoAccess, from_environment


def test_the_host_is_what_was_written_down_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "host.json"
    file.write_text('{"uri": "qemu:///system", "host": {"cpuMode": "maximum"}}')
    monkeypatch.setenv(VARIABLE, str(file))
    found = from_environment()
    assert found is not None
    assert found.capabilities("qemu:///system") == {"cpuMode": "maximum"}
    with pytest.raises(NoAccess, match="no access to qemu:///other: it knows the host"):
        found.capabilities("qemu:///other")


@pytest.mark.parametrize("content", [None, "", "[]", '{"uri": "qemu:///system"}'])
def test_a_file_that_will_not_do_is_refused_not_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "host.json"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(VARIABLE, str(file))
    with pytest.raises(NoAccess, match=f"{VARIABLE} must name the file"):
        from_environment()


def test_without_the_variable_the_host_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert from_environment() is None
