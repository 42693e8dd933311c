"""When deadlines are looked at."""

import pytest

from limen.api.observers import SHORTEST_PAUSE, pause_before


@pytest.mark.parametrize(
    ("next_deadline", "longest", "pause"),
    [
        (None, 30.0, 30.0),  # nothing is reserved
        (120.0, 30.0, 30.0),  # another limen-api may have registered a host
        (12.5, 30.0, 12.5),
        (0.0, 30.0, SHORTEST_PAUSE),
        (0.5, 0.3, 0.3),
    ],
)
def test_the_next_deadline_is_waited_for(next_deadline: float | None, longest: float, pause: float) -> None:
    assert pause_before(next_deadline, longest) == pause
