"""What is proven in the time that is left, and what may not be left out."""

from pathlib import Path

from tests.proof import plan, record
from tests.proof.plan import DAY, Candidate
from tests.proof.record import Stamp

STALE = (Candidate("new", 300), Candidate("old", 200, 100), Candidate("newer", 100, 500))


def test_the_oldest_comes_first_and_what_does_not_fit_is_left() -> None:
    assert plan.choose(STALE, None) == plan.Plan(("new", "old", "newer"), ())
    assert plan.choose(STALE, 550) == plan.Plan(("new", "old"), ("newer",))


def test_a_shorter_one_passes_one_that_does_not_fit() -> None:
    assert plan.choose(STALE, 250) == plan.Plan(("old",), ("new", "newer"))
    assert plan.choose(STALE, 0) == plan.Plan((), ("new", "old", "newer"))


def test_what_has_been_stale_for_over_a_day_may_not_be_left_out() -> None:
    now = 10 * DAY
    changed = {"fresh": now - DAY, "overdue": now - DAY - 1, "unknown": None}
    assert plan.overdue(["fresh", "overdue", "unknown"], changed, now) == ["overdue"]


def test_the_newest_of_two_records_counts(tmp_path: Path) -> None:
    tracked, own = tmp_path / "tracked.json", tmp_path / "own" / "own.json"
    record.write(tracked, {"a": Stamp("1", 100, 5), "b": Stamp("1", 300, 5)})
    assert record.read(tracked, own) == record.read(tracked)
    record.write(own, {"a": Stamp("2", 200, 6), "b": Stamp("2", 200, 6)})
    assert record.read(tracked, own) == {"a": Stamp("2", 200, 6), "b": Stamp("1", 300, 5)}
