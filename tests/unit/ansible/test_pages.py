"""The reference pages: Ansible's markup, nested options, and what is stale."""

from pathlib import Path

import pytest

from tests.docs import __main__ as command
from tests.docs import pages


@pytest.mark.parametrize(
    ("markup", "markdown"),
    [
        ("V(a) and O(limits[].hard), C({a: b})", "`a` and `limits[].hard`, `{a: b}`"),
        ("B(new), I(old), RV(uuids), E(LIMEN_TOKEN)", "**new**, *old*, `uuids`, `LIMEN_TOKEN`"),
        (
            "M(limen.platform.vm), M(ansible.builtin.copy)",
            "[limen.platform.vm](../modules/vm.md), `ansible.builtin.copy`",
        ),
        ("L(there, https://x.example)", "[there](https://x.example)"),
        ("C(f(x\\)) PVC(no)", "`f(x)` PVC(no)"),
        (["One.", "Two\n  lines."], "One.\n\nTwo lines."),
    ],
)
def test_markup(markup: object, markdown: str) -> None:
    assert pages.prose(markup) == markdown


def test_options_in_options_are_rows_of_their_own() -> None:
    inner = {"hard": {"type": "str"}, "more": {"type": "dict", "options": {"x": {"type": "int"}}}}
    limits = {"type": "list", "elements": "dict", "options": inner, "description": "a | b"}
    found = [(row["name"], row["kind"], row["meaning"]) for row in pages.rows({"limits": limits})]
    assert found == [
        ("limits", "list of dict", "a \\| b"),
        ("limits[].hard", "str", ""),
        ("limits[].more", "dict", ""),
        ("limits[].more.x", "int", ""),
    ]


def test_stale_missing_and_left_over_pages_fail_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "render", lambda root: [("modules", "new", "text"), ("roles", "old", "text")])
    (tmp_path / "docs" / "roles").mkdir(parents=True)
    (tmp_path / "docs" / "roles" / "old.md").write_text("other text")
    (tmp_path / "docs" / "roles" / "gone.md").write_text("text")
    assert command.main(["--check"]) == 1
    stale = {line.split()[0] for line in capsys.readouterr().out.splitlines() if "stale:" in line}
    missing = {"docs/modules/new.md", "docs/agent-schema.json"}
    assert stale == {*missing, "docs/roles/old.md", "docs/roles/gone.md"}
    assert command.main([]) == 0
    assert command.main(["--check"]) == 0
    assert not (tmp_path / "docs" / "roles" / "gone.md").exists()
