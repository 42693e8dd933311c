"""What docs/ci.md shows as reports is what the golden reports say."""

import re

import pytest

from tests.lab.demo.layout import ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text()
QUOTED = re.compile(r"<!-- report: ([a-z-]+) -->\n((?:>.*\n)+)")


@pytest.mark.parametrize(("name", "quoted"), QUOTED.findall(PAGE))
def test_a_quoted_report_is_a_real_one(name: str, quoted: str) -> None:
    text = re.sub(r"^> ?", "", quoted, flags=re.MULTILINE)
    assert text in (ROOT / "tests" / "golden" / "reports" / name / "report.md").read_text()


def test_three_reports_are_quoted() -> None:
    assert [name for name, _ in QUOTED.findall(PAGE)] == ["admitted", "refused", "data-loss"]
