"""Reports of real previews are drawn as they are stored; integration tests ask the engine itself."""

import difflib

import pytest

from tests.golden.capture import draw, read, reports, stored
from tests.golden.cases import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stored_previews_are_reported_as_they_were(case: Case) -> None:
    files = stored(case)
    drawn = draw({name: text for name, text in files.items() if not name.startswith("report.")})
    assert read(drawn).exit_code == case.code
    for name, text in reports(drawn).items():
        changed = difflib.unified_diff(
            files[name].splitlines(), text.splitlines(), "stored", "drawn", "", "", 2, ""
        )
        assert text == files[name], "\n".join(("run `make golden` and look:", *changed))
