"""What a pipeline decides by: 0 fits, 3 denied, 4 policy violated, 1 failed."""

from pathlib import Path

import pytest

from tests.unit.preview.conftest import Run
from tests.unit.preview.previews import (
    DOMAIN,
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

MADE = step("create", DOMAIN, "web", f"{VM}::web")
FITS, SHORT = line("vms", 4, 0, 0, 1), line("vms", 4, 4, 0, 1)


def test_what_fits(run: Run) -> None:
    ended = run(digest(MADE), decision=decision(FITS), events=log(passed=("names",), counts={"create": 1}))
    assert ended.code == 0
    assert "`shop/dev` fits\n" in ended.out
    assert "`Admitted: project demo may use 1 more vm`" in ended.out
    assert "Policies: 0 violated, 0 with advice, 1 held" in ended.out
    assert ended.err == ""


def test_what_is_denied_says_why_with_and_without_the_decision(run: Run) -> None:
    for came, told in ((decision(SHORT), "project demo  vms"), (None, "No decision came with this preview")):
        ended = run(digest(said=(denial(),)), decision=came)
        assert ended.code == 3
        assert "is denied by the quota check" in ended.out
        assert "Denied: project demo may not use 1 more vm" in ended.out
        assert told in ended.out


def test_what_goes_around_the_quota_check_does_not_fit(run: Run) -> None:
    bare = step("create", VOLUME, "data", dependencies=[])
    ended = run(digest(bare), decision=decision(FITS))
    assert ended.code == 3
    assert (
        "libvirt:Volume data would be made without the quota check: declare it with pulumi_limen."
        in ended.out
    )


def test_a_violated_policy_is_four_and_advice_is_not(run: Run) -> None:
    failed = digest(MADE, said=(diagnostic("error", "preview failed"),))
    events = log(policy("keep", "mandatory", "No.", MADE["urn"]), counts={"create": 1})
    ended = run(failed, decision=decision(FITS), events=events)
    assert ended.code == 4
    assert "| **violated** | `pack/keep` | `libvirt:Domain web` | `No.` |" in ended.out
    assert "Why the preview failed" not in ended.out, "the engine only says it once more"

    advice = log(policy("keep", "advisory", "Better not.", MADE["urn"]), counts={"create": 1})
    assert run(digest(MADE), decision=decision(FITS), events=advice).code == 0
    strange = log(policy("keep", "fatal", "No.", MADE["urn"]), counts={"create": 1})
    assert run(digest(MADE), decision=decision(FITS), events=strange).code == 4


def test_a_preview_that_failed_by_itself(run: Run) -> None:
    ended = run(digest(said=(diagnostic("error", "limen-api can't be reached", MADE["urn"]),)))
    assert ended.code == 1
    assert "could not be previewed" in ended.out
    assert "**`libvirt:Domain web`**" in ended.out
    silent = run(digest(MADE, said=(diagnostic("error", "preview failed"),)))
    assert silent.code == 1
    assert "its words are in the event log: see --events" in silent.out


def test_a_denial_outranks_a_policy_and_a_policy_a_failure(run: Run) -> None:
    broken = diagnostic("error", "broken")
    events = log(policy("keep", "mandatory", "No."))
    assert run(digest(said=(denial(), broken)), events=events).code == 3
    assert run(digest(said=(broken,)), events=events).code == 4


def test_a_decision_or_event_log_of_another_run_is_refused(run: Run) -> None:
    claim = step("create", "limen:index:QuotaClaim", "quota", inputs={"claimId": "another"})
    for preview, came in (
        (digest(claim), decision(FITS)),
        (digest(MADE), decision(SHORT)),
        (digest(said=(denial(),)), decision(FITS)),
    ):
        ended = run(preview, decision=came)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("limen: The decision is that of another preview: ")
    ended = run(digest(MADE), decision=decision(FITS), events=log(counts={"create": 2}))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "limen: The event log is that of another preview: give both of one run.\n"


def test_several_formats_in_one_call(run: Run, tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in ("markdown", "json", "junit", "github")}
    writes = [f"--write={name}={path}" for name, path in paths.items()]
    ended = run(digest(MADE), "--output", str(tmp_path / "main"), *writes, decision=decision(FITS))
    assert (ended.code, ended.out) == (0, "")
    texts = {name: path.read_text() for name, path in paths.items()}
    assert texts["markdown"] == (tmp_path / "main").read_text()
    assert texts["json"].startswith("{\n")
    assert texts["junit"].startswith("<?xml")
    assert texts["github"] == "::notice title=shop/dev::Admitted: project demo may use 1 more vm\n"


@pytest.mark.parametrize("arguments", [("--format", "html"), ("--write", "html=x"), ("--write", "junit")])
def test_a_wrong_command_line_is_refused_before_anything_is_read(
    run: Run, arguments: tuple[str, ...]
) -> None:
    ended = run("not read", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
