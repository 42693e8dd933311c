"""The comment of a pull request: bounded, stable, without secrets, complete in what it says."""

import json
import random

from limen.preview.markdown import MOST_BYTES
from tests.unit.preview.conftest import Run
from tests.unit.preview.previews import (
    DOMAIN,
    MEBIBYTE,
    VM,
    VOLUME,
    decision,
    denial,
    diagnostic,
    digest,
    line,
    log,
    policy,
    step,
)

SIGNATURE = "4dabf18193072939515e22adb298388d"


def test_a_comment_has_an_end_and_says_what_is_left_out(run: Run) -> None:
    long = "ü" * 190
    steps = [step("replace", VOLUME, f"{number}{long}") for number in range(400)]
    said = [diagnostic("warning", f"{number} {'w' * 5000}") for number in range(50)]
    events = log(
        *(policy(f"{number}{long}", "mandatory", "m" * 5000, steps[0]["urn"]) for number in range(200)),
        counts={"replace": 400},
    )
    came = decision(*(line("memory", 9, 0, 0, 1, scope=f"{number}{long}") for number in range(200)))
    ended = run(digest(*steps, said=tuple(said)), decision=came, events=events)
    assert ended.code == 4
    assert 30_000 < len(ended.out.encode()) <= MOST_BYTES
    for words in (
        "more effects left out",
        "more results left out",
        "more lines left out",
        "more changes left out",
    ):
        assert words in ended.out
    assert ended.out.count("<details") == ended.out.count("</details>") == 4

    worst = [diagnostic("error", f"{number}" + "<" * 5000, f"{long}{number}") for number in range(50)]
    text = denial("Denied: " + "<" * 100_000)
    ended = run(digest(said=(*worst, text)), decision=None, events=log(counts={}))
    assert ended.code == 3
    assert len(ended.out.encode()) <= MOST_BYTES
    assert "more errors left out" in ended.out


def test_the_order_of_the_engine_does_not_show(run: Run) -> None:
    steps = [step("create", DOMAIN, f"web-{number}", f"{VM}::web-{number}") for number in range(9)]
    said = [diagnostic("warning", f"careful {number}", each["urn"]) for number, each in enumerate(steps)]
    told = set()
    for seed in range(5):
        random.Random(seed).shuffle(steps)
        random.Random(seed).shuffle(said)
        events = [policy("p", "advisory", "no", each["urn"]) for each in steps]
        for form in ("markdown", "json", "junit", "github"):
            ended = run(
                {**digest(*steps, said=tuple(said)), "duration": seed},
                *("--format", form),
                decision=decision(line("vms", 9, 0, 0, 9)),
                events=log(*events, counts={"create": 9}),
            )
            told.add(ended.out)
    assert len(told) == 4, "one text a format, whatever the order"


def test_no_value_of_a_property_gets_into_a_report(run: Run) -> None:
    secret = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hunter2"', "value": "hunter2"}
    changed = step(
        "update", DOMAIN, "web", inputs={"cloudinit": secret, "password": "hunter2", "a": "[secret]"}
    )
    changed["detailedDiff"] = {f'cloudinit["{SIGNATURE}"].hunter2': {}, "password[hunter2]": {}}
    changed["diffReasons"] = ["password", "cloudinit.hunter2"]
    preview = {**digest(changed), "config": {"shop:password": "hunter2"}}
    for form in ("markdown", "json", "junit", "github"):
        ended = run(preview, "--format", form)
        assert ended.code == 0
        for word in ("hunter2", SIGNATURE, "[secret]", "plaintext"):
            assert word not in ended.out
    assert "`cloudinit`, `password`" in run(preview).out


def test_the_table_has_the_peak_between_before_and_after(run: Run) -> None:
    # A disk of 8 MiB gives way to one of 16 MiB; 4 MiB are others'.
    came = decision(
        line("disk", 64 * MEBIBYTE, 12 * MEBIBYTE, 8 * MEBIBYTE, 24 * MEBIBYTE),
        items=[{"key": "disk:new", "kind": "disk", "amounts": {"disk": "16MiB"}}],
    )
    out = run(digest(), decision=came).out
    assert "| `project demo` | disk | 64MiB | 12MiB | 28MiB | 20MiB | fits |" in out
    del came["question"]
    assert "| `project demo` | disk | 64MiB | 12MiB | 28MiB | - | fits |" in run(digest(), decision=came).out


def test_sizes_that_are_not_known_are_named(run: Run) -> None:
    unknown = {
        "amounts": {"memory": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"},
        "upperBound": {"memory": "1GiB"},
    }
    claim = step("create", "limen:index:QuotaClaim", "quota", inputs={"items": {"vm:web": unknown}})
    out = run(digest(claim)).out
    assert "`How much memory vm:web will have is not known yet: it counts with 1GiB.`" in out
    assert json.loads(run(digest(claim), "--format", "json").out)["unknown"] == [
        "How much memory vm:web will have is not known yet: it counts with 1GiB."
    ]
