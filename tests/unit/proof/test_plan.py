"""What is proven in the time that is left, and what may not be left out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.proof import __main__ as command
from tests.proof import plan, record
from tests.proof.plan import DAY, Candidate, Outcome
from tests.proof.record import Stamp

STALE = (Candidate("new", 300), Candidate("old", 200, 100), Candidate("newer", 100, 500))


class Clock:
    """A clock that moves by what each proof really takes."""

    def __init__(self, took: Mapping[str, float], fails: str = "") -> None:
        self.now, self.took, self.fails = 1000.0, took, fails
        self.began: list[str] = []

    def __call__(self) -> float:
        return self.now

    def run(self, name: str) -> bool:
        self.began.append(name)
        self.now += self.took[name]
        return name != self.fails


@pytest.fixture
def played() -> Callable[..., tuple[list[str], list[str], list[str]]]:
    """Plays STALE within so many seconds; what held, failed, was left."""

    def play(
        seconds: float | None, fails: str = "", **longer: float
    ) -> tuple[list[str], list[str], list[str]]:
        clock = Clock({"new": 300, "old": 200, "newer": 100, **longer}, fails)
        outcome = plan.play(STALE, seconds, clock, clock.run)
        assert clock.began == [
            name for name in ("new", "old", "newer") if name in outcome.held + outcome.failed
        ]
        return outcome.held, outcome.failed, outcome.left

    return play


Played = Callable[..., tuple[list[str], list[str], list[str]]]


def test_the_oldest_comes_first_and_what_does_not_fit_is_left(played: Played) -> None:
    assert played(None) == (["new", "old", "newer"], [], [])
    assert played(600) == (["new", "old", "newer"], [], [])
    assert played(550) == (["new", "old"], [], ["newer"])


def test_a_shorter_one_passes_one_that_does_not_fit(played: Played) -> None:
    assert played(250) == (["old"], [], ["new", "newer"])
    assert played(150) == (["newer"], [], ["new", "old"])


@pytest.mark.parametrize("seconds", [0.0, -300.0])
def test_without_time_none_is_begun_and_all_are_named(played: Played, seconds: float) -> None:
    assert played(seconds) == ([], [], ["new", "old", "newer"])


def test_one_that_takes_longer_than_it_used_to_leaves_less_for_the_others(played: Played) -> None:
    assert played(600, new=450.0) == (["new", "newer"], [], ["old"])
    assert played(600, new=601.0) == (["new"], [], ["old", "newer"])


def test_a_failure_stops_no_other(played: Played) -> None:
    assert played(None, fails="new") == (["old", "newer"], ["new"], [])


def test_what_has_been_stale_for_over_a_day_may_not_be_left_out() -> None:
    now = 10 * DAY
    changed = {"fresh": now - DAY, "overdue": now - DAY - 1, "unknown": 0}
    assert plan.overdue(["fresh", "overdue", "unknown"], changed, now) == ["overdue", "unknown"]


@pytest.mark.parametrize(
    ("outcome", "since", "code", "words"),
    [
        (Outcome(held=["a"]), {}, 0, "1 held, 0 failed, 0 left out"),
        (Outcome(failed=["a"]), {}, 1, "FAILED: a"),
        (
            Outcome(left=["a"]),
            {"a": 9 * DAY},
            0,
            "LEFT OUT for want of time: a, not proven as it is for 24",
        ),
        (Outcome(left=["a"]), {"a": 9 * DAY - 1}, 1, "FAILED: a is left out for more than a day"),
    ],
)
def test_the_exit_code_and_what_is_said(
    capsys: pytest.CaptureFixture[str], outcome: Outcome, since: dict[str, int], code: int, words: str
) -> None:
    assert command.report(outcome, since, 10 * DAY) == code
    assert words in capsys.readouterr().out


def test_the_newest_of_two_records_counts(tmp_path: Path) -> None:
    tracked, own = tmp_path / "tracked.json", tmp_path / "own" / "own.json"
    record.write(tracked, {"a": Stamp("1", 100, 5), "b": Stamp("1", 300, 5)})
    assert record.read(tracked, own) == record.read(tracked)
    record.write(own, {"a": Stamp("2", 200, 6), "b": Stamp("2", 200, 6)})
    assert record.read(tracked, own) == {"a": Stamp("2", 200, 6), "b": Stamp("1", 300, 5)}
