"""The laws of the quota model, as properties that hold in every world."""

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import TypeVar

from hypothesis import assume, given
from hypothesis import strategies as st

from limen.quota.claims import changes_for
from limen.quota.decide import decide
from limen.quota.decision_json import LineJson
from limen.quota.explain import explanation, from_json, summary, text
from limen.quota.model import Change, Decision, Line, known
from limen.quota.resources import resource_rank
from tests.unit.quota.worlds import NOW, World, merged, raised, worlds

T = TypeVar("T")


def denied(decision: Decision) -> set[tuple[str, str]]:
    return {
        (each.standing.scope.id, each.standing.resource)
        for each in decision.violations
        if isinstance(each, Line)
    }


@given(worlds(), st.data())
def test_raising_limits_never_denies_more(world: World, data: st.DataObject) -> None:
    higher = [
        replace(standing, limit=raised(standing.limit, data.draw(st.integers(0, 11))))
        for standing in world.standings
    ]
    assert denied(decide(world.changes, higher, NOW)) <= denied(world.decide())


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_items_changes_and_host_rows_does_not_matter(world: World, random: Random) -> None:
    def shuffled(values: Sequence[T]) -> list[T]:
        return random.sample(values, len(values))

    ids = [scope.id for scope in world.chain]
    changes = shuffled(changes_for(ids, shuffled(world.before), shuffled(world.after)))
    # The order of projects is the chain; within it and among hosts, rows may come as they like.
    standings = shuffled(world.standings)
    standings.sort(key=lambda row: ids.index(row.scope.id) if row.scope.id in ids else len(ids))
    assert decide(changes, standings, NOW) == world.decide()


@given(worlds())
def test_lines_come_in_the_fixed_order_and_violations_keep_it(world: World) -> None:
    decision = world.decide()
    ids = [scope.id for scope in world.chain] + ["h1", "h2"]
    keys = [
        (ids.index(line.standing.scope.id), resource_rank(line.standing.resource)) for line in decision.lines
    ]
    assert keys == sorted(set(keys))
    assert decision.violations == tuple(line for line in decision.lines if line.verdict == "denied")
    assert decision.warnings == tuple(line for line in decision.lines if line.verdict == "warns")


@given(worlds(), st.data())
def test_a_split_claim_decides_as_its_sum(world: World, data: st.DataObject) -> None:
    pieces: list[Change] = []
    for change in world.changes:
        assert isinstance(change.after, int)
        before, after = data.draw(st.integers(0, change.before)), data.draw(st.integers(0, change.after))
        pieces.append(replace(change, before=before, after=after))
        pieces.append(replace(change, before=change.before - before, after=change.after - after))
    assert world.decide(pieces) == world.decide()


@given(worlds(only_grows=True), st.data())
def test_a_claim_made_in_two_steps_ends_as_in_one(world: World, data: st.DataObject) -> None:
    first = [
        replace(change, after=data.draw(st.integers(0, change.after)))
        for change in world.changes
        if isinstance(change.after, int)
    ]
    second = [
        replace(change, before=known(piece.after)) for change, piece in zip(world.changes, first, strict=True)
    ]
    one = world.decide(first)
    two = decide(second, merged(one, world.standings), NOW)
    assert (one.allowed and two.allowed) == world.decide().allowed


@given(worlds())
def test_a_decrease_or_no_change_always_passes_and_excuses_nothing_else(world: World) -> None:
    decision = world.decide()
    for line in decision.lines:
        assert line.after is not None
        if line.after <= line.before:
            assert line.verdict == "fits"
    increases = [change for change in world.changes if change.after > change.before]  # type: ignore[operator]
    assert denied(world.decide(increases)) == denied(decision)


@given(worlds())
def test_no_admission_raises_a_charge_over_its_hard_limit(world: World) -> None:
    decision = world.decide()
    assume(decision.allowed)
    for before, after in zip(world.standings, merged(decision, world.standings), strict=True):
        charge = after.used + after.reserved
        if charge > before.used + before.reserved:
            assert before.limit is not None
            assert not isinstance(before.limit.hard, int) or charge <= before.limit.hard


@given(worlds())
def test_the_explanation_agrees_with_the_decision_and_adds_up(world: World) -> None:
    decision = world.decide()
    drawn = explanation(decision)
    assert drawn["allowed"] == decision.allowed == (not drawn["violations"])
    assert drawn["chain"] == [scope.name for scope in world.chain]
    assert drawn["project"] == "demo"
    assert len(drawn["lines"]) == len(decision.lines)
    assert drawn["violations"] == [line for line in drawn["lines"] if line["verdict"] == "denied"]
    assert drawn["warnings"] == [line for line in drawn["lines"] if line["verdict"] == "warns"]
    for line in drawn["lines"]:
        check_arithmetic(line)
    assert from_json(json.loads(json.dumps(drawn))) == drawn


def check_arithmetic(line: LineJson) -> None:
    used, reserved, before = int(line["used"]), int(line["reserved"]), int(line["before"])
    after, requested = int(line["after"] or ""), int(line["requested"] or "")
    assert requested == max(0, after - before)
    total = used + reserved - before + after
    hard = None if line["limit"] in (None, "unlimited") else int(line["limit"] or "")
    over_soft = line["soft"] is not None and total > int(line["soft"])
    match line["verdict"], line["reason"]:
        case "denied", "over_hard":
            assert hard is not None
            assert int(line["shortfall"] or "") == total - hard > 0
        case "denied", "grace_over":
            assert over_soft
            assert int(line["shortfall"] or "") == total - int(line["soft"] or "")
        case "denied", "no_limit":
            assert line["limit"] is None
            assert int(line["shortfall"] or "") == total
        case "warns", "over_soft":
            assert over_soft
            assert requested > 0
            assert line["shortfall"] == "0"
        case "fits", None:
            assert requested == 0 or (not over_soft and (hard is None or total <= hard))
            assert line["shortfall"] == "0"
        case verdict:
            raise AssertionError(f"no such verdict: {verdict}")
    if line["verdict"] == "denied":
        assert requested > 0
        assert int(line["largest"]) < requested


@given(worlds(most_hosts=1), st.sampled_from(["vms", "vcpus", "memory", "device:a100"]))
def test_the_largest_request_fits_and_one_unit_more_does_not(world: World, resource: str) -> None:
    lines = [line for line in explanation(world.decide())["lines"] if line["resource"] == resource]
    assume(lines)
    changes = [change for change in world.changes if change.resource == resource]
    largest = {line["largest"] for line in lines}
    assert len(largest) == 1, "every scope names the same largest request"
    if largest == {"unlimited"}:
        assert world.decide([replace(each, after=each.before + 2**53) for each in changes]).allowed
        return
    fitting = int(largest.pop())
    assert world.decide([replace(each, after=each.before + fitting) for each in changes]).allowed
    assert not world.decide([replace(each, after=each.before + fitting + 1) for each in changes]).allowed


@given(worlds(), st.sampled_from(["vcpus", "memory"]))
def test_the_largest_request_over_several_hosts_fits_when_it_is_spread(world: World, resource: str) -> None:
    """What a project's line promises can be placed on the hosts within what their own lines promise."""
    lines = [line for line in explanation(world.decide())["lines"] if line["resource"] == resource]
    projects = [line["largest"] for line in lines if line["scope_kind"] == "project"]
    hosts = {line["scope"]: line["largest"] for line in lines if line["scope_kind"] == "host"}
    assume(projects and hosts and projects[0] != "unlimited")
    left = int(projects[0])
    placed = {}
    for name, largest in hosts.items():
        placed[name] = min(left, int(largest))
        left -= placed[name]
    assert left == 0
    names = {standing.scope.id: standing.scope.name for standing in world.standings}
    fitting = [
        replace(each, after=each.before + placed.get(names[each.scope_id], int(projects[0])))
        for each in world.changes
        if each.resource == resource
    ]
    assert world.decide(fitting).allowed


@given(worlds())
def test_the_text_is_drawn_from_the_json_alone_and_names_every_violation(world: World) -> None:
    drawn = from_json(json.loads(json.dumps(explanation(world.decide()))))
    words = text(drawn)
    assert words == drawn["text"]
    assert "\n" not in summary(drawn)
    assert words.startswith("Admitted: " if drawn["allowed"] else "Denied: ")
    rows = [row.split() for row in words.splitlines()]
    for line in drawn["violations"]:
        assert "scope" in line
        assert any(row[:3] == [line["scope_kind"], line["scope"], line["resource"]] for row in rows)
    assert all(len(row) == len(row.rstrip()) for row in words.splitlines())
