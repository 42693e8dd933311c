"""The explanation as people and programs see it: the JSON, the words, and what is refused as no decision."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from limen.quota.decide import decide
from limen.quota.errors import InvalidSpec
from limen.quota.explain import explanation, from_json, summary, text
from limen.quota.model import (
    UNLIMITED,
    Bounds,
    Change,
    Decision,
    Holder,
    Item,
    Limit,
    Scope,
    Standing,
    Unknown,
)

NOW = datetime(2030, 1, 8, tzinfo=UTC)
GIB = 2**30
DEMO = Scope("7", "project", "demo")
TEAM = Scope("3", "project", "team")
HOST = Scope("aaaa", "host", "hv1")


def refused() -> Decision:
    decision = decide(
        [Change("7", "memory", 0, GIB), Change("3", "memory", 0, GIB)],
        [
            Standing(DEMO, "memory", Limit(GIB), used=GIB // 2),
            Standing(TEAM, "memory", Limit(UNLIMITED), used=GIB),
        ],
        NOW,
    )
    return decision.with_holders((Holder("c-1", "stack web", "memory", GIB // 4),))


def test_the_json_of_a_refusal() -> None:
    line = {
        "scope": "demo",
        "scope_kind": "project",
        "resource": "memory",
        "limit": "1073741824",
        "soft": None,
        "used": "536870912",
        "reserved": "0",
        "before": "0",
        "requested": "1073741824",
        "after": "1073741824",
        "shortfall": "536870912",
        "largest": "536870912",
        "verdict": "denied",
        "reason": "over_hard",
    }
    above = line | {
        "scope": "team",
        "limit": "unlimited",
        "used": "1073741824",
        "shortfall": "0",
        "verdict": "fits",
        "reason": None,
    }
    drawn = explanation(refused())
    assert drawn == {
        "allowed": False,
        "project": "demo",
        "chain": ["demo", "team"],
        "lines": [line, above],
        "violations": [line],
        "warnings": [],
        "holders": [
            {"claim": "c-1", "owner": "stack web", "resource": "memory", "amount": "268435456"},
        ],
        "text": drawn["text"],
    }


def test_the_words_of_a_refusal() -> None:
    drawn = explanation(refused())
    assert drawn["text"].splitlines() == [
        "Denied: project demo may not use 1GiB more memory.",
        "",
        "                      limit    used  reserved  requested  over by  would fit",
        "project demo  memory   1GiB  512MiB        0B       1GiB   512MiB     512MiB",
        "",
        "Held by:",
        "  stack web  256MiB memory  claim c-1",
        "  others     256MiB memory",
    ]
    assert summary(drawn) == (
        "Denied: project demo may not use 1GiB more memory "
        "(limit 1GiB, used 512MiB, reserved 0B, at most 512MiB more would fit)"
    )


def test_the_words_of_an_admission_say_what_is_left() -> None:
    drawn = explanation(
        decide(
            [Change("7", "vcpus", 1, 2), Change("7", "memory", 0, GIB * 3 // 2), Change("7", "disk", 5, 4)],
            [
                Standing(DEMO, "vcpus", Limit(8, soft=4), used=4),
                Standing(DEMO, "memory", Limit(4 * GIB), used=GIB, reserved=GIB),
                Standing(DEMO, "disk", Limit(UNLIMITED), used=5),
            ],
            NOW,
        )
    )
    assert drawn["text"].splitlines() == [
        "Admitted: project demo may use 1 more vcpu and 1.5GiB more memory.",
        "Warning: project demo would use 5 vcpus, over its soft limit of 4.",
        "",
        "                          limit  used  reserved  requested  used then  left then",
        "project demo  vcpus           8     4         0          1          5          3",
        "project demo  memory       4GiB  1GiB      1GiB     1.5GiB     3.5GiB     512MiB",
        "project demo  disk    unlimited    5B        0B         0B         4B  unlimited",
    ]
    assert summary(drawn) == "Admitted: project demo may use 1 more vcpu and 1.5GiB more memory (1 warning)"


def sentences(decision: Decision) -> list[str]:
    """The sentences of a denial, without its table."""
    words = explanation(decision)["text"].split("\n\n")[0]
    assert words.startswith("Denied: ")
    return [sentence.removeprefix("Denied:").strip() for sentence in words.splitlines()]


def test_every_reason_has_its_sentence() -> None:
    grace = Limit(8, soft=4, grace=timedelta(days=7))
    decision = decide(
        [
            Change("7", "vms", 0, 1),
            Change("7", "vcpus", 5, 6),
            Change("7", "memory", 0, Unknown()),
            Change("aaaa", "vcpus", 0, 2),
            Change("aaaa", "device:a100", 0, 1),
        ],
        [
            Standing(DEMO, "vms", None),
            Standing(DEMO, "vcpus", grace, used=5, soft_since=NOW - timedelta(days=8)),
            Standing(DEMO, "memory", Limit(GIB)),
            Standing(HOST, "vcpus", Limit(1)),
        ],
        NOW,
        [
            Item("vm:a", "vm", "a", "aaaa", {"vcpus": 1, "memory": 3 * GIB}),
            Item("vm:b", "vm", "b", "aaaa", {"memory": Unknown()}),
        ],
        {"vcpus": Bounds(minimum=2), "memory": Bounds(maximum=2 * GIB)},
    )
    assert sentences(decision) == [
        "project demo may not use 1 more vm: no limit of vms is set, and without one none may be used.",
        "project demo may not use 1 more vcpu: "
        "it has been over its soft limit for longer than the grace period.",
        "project demo may not use an amount of memory that is not known yet and has no upper bound.",
        "host hv1 has no room for 2 more vcpus.",
        "host hv1 has no room for 1 more device:a100: it has no capacity of device:a100.",
        "vm:a must have at least 2 vcpus, not 1.",
        "vm:a must have at most 2GiB memory, not 3GiB.",
        "vm:b asks for an amount of memory that is not known yet and has no upper bound.",
    ]
    drawn = explanation(decision)
    rows = [" ".join(row.split()) for row in drawn["text"].splitlines()]
    assert "project demo vms none set 0 0 1 1 0" in rows
    assert "project demo vcpus 4 (soft) 5 0 1 2 0" in rows
    assert "project demo memory 1GiB 0B 0B unknown unknown 1GiB" in rows
    assert "host hv1 vcpus 1 0 0 2 1 0" in rows
    assert summary(drawn).endswith("; 7 more violations")
    assert drawn["violations"][-1] == {
        "item": "vm:b",
        "resource": "memory",
        "requested": None,
        "minimum": None,
        "maximum": str(2 * GIB),
        "verdict": "denied",
        "reason": "unknown_amount",
    }
    assert from_json(json.loads(json.dumps(drawn))) == drawn


def test_the_largest_request_over_two_hosts_is_what_both_have_room_for() -> None:
    hosts = [Scope("h1", "host", "hv1"), Scope("h2", "host", "hv2")]
    drawn = explanation(
        decide(
            [Change("7", "vcpus", 0, 9), Change("h1", "vcpus", 0, 4), Change("h2", "vcpus", 0, 5)],
            [
                Standing(DEMO, "vcpus", Limit(8)),
                *(Standing(host, "vcpus", Limit(3 * n)) for n, host in enumerate(hosts, start=1)),
            ],
            NOW,
        )
    )
    assert [(line["scope"], line["largest"]) for line in drawn["lines"]] == [
        ("demo", "8"),
        ("hv1", "3"),
        ("hv2", "6"),
    ]


def test_a_change_of_nothing_has_words() -> None:
    nothing = explanation(decide([], [Standing(DEMO, "vms", Limit(1))], NOW))
    assert (nothing["text"], nothing["project"]) == ("Admitted: nothing is asked for.", "demo")
    less = explanation(decide([Change("7", "vms", 1, 0)], [Standing(DEMO, "vms", Limit(1), used=1)], NOW))
    assert less["text"].startswith("Admitted: project demo asks for nothing more.")


@pytest.mark.parametrize(
    "damage",
    [
        lambda drawn: drawn.pop("allowed"),
        lambda drawn: drawn.update(allowed="false"),
        lambda drawn: drawn.update(allowed=True),
        lambda drawn: drawn.update(project=7),
        lambda drawn: drawn.update(chain="demo"),
        lambda drawn: drawn.update(chain=[7]),
        lambda drawn: drawn.update(lines={}),
        lambda drawn: drawn.update(violations=["memory"]),
        lambda drawn: drawn.update(holders=[{"claim": "c-1"}]),
        lambda drawn: drawn["lines"][0].update(used=8),
        lambda drawn: drawn["lines"][0].update(used=None),
        lambda drawn: drawn["lines"][0].update(used="-8"),
        lambda drawn: drawn["lines"][0].update(limit="none"),
        lambda drawn: drawn["lines"][0].update(resource="ram"),
        lambda drawn: drawn["lines"][0].update(verdict="maybe"),
        lambda drawn: drawn["lines"][0].update(scope_kind="galaxy"),
        lambda drawn: drawn["lines"][0].update(reason="mood"),
        lambda drawn: drawn["lines"][0].pop("shortfall"),
    ],
)
def test_what_is_no_decision_is_refused_with_the_path(damage: Callable[[dict[str, Any]], object]) -> None:
    drawn = json.loads(json.dumps(explanation(refused())))
    assert from_json(copy.deepcopy(drawn)) == drawn
    damage(drawn)
    with pytest.raises(InvalidSpec, match=r"^decision\.[a-z_.]+ is not what limen-api answers"):
        from_json(drawn)


@pytest.mark.parametrize("value", [None, [], "denied", 7])
def test_other_json_is_no_decision(value: object) -> None:
    with pytest.raises(InvalidSpec, match="decision is not what limen-api answers: it must be an object"):
        from_json(value)


def test_fields_of_a_newer_server_are_kept() -> None:
    newer = json.loads(json.dumps(explanation(refused()))) | {"policy": "strict"}
    assert from_json(newer) == newer
    assert text(from_json(newer)) == newer["text"]
