"""`limen preview-report` of what the engine says today: the same reports as those that are stored."""

from collections.abc import Iterator

import pytest

from tests.golden.__main__ import differences
from tests.golden.capture import Previews, reports, stored
from tests.golden.cases import CASES, Case
from tests.world.world import World


@pytest.fixture(scope="module")
def previews(world: World) -> Iterator[Previews]:
    made = Previews(world)
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_engines_previews_are_reported_as_before(previews: Previews, case: Case) -> None:
    before, today = stored(case), previews.capture(case)
    changed = "\n".join(differences(before, today))
    assert reports(before) == reports(today), f"run `make golden` and look:\n{changed}"
