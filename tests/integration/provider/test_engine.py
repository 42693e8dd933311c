"""Claim and admission under the real engine: plans, refusals, drift, import, interruption."""

import json
import signal
import time
from pathlib import Path

import pytest

from limen.client import Client
from limen.quota.model import item_uuid
from tests.integration.provider.engine import PREFIX, Stack
from tests.lab.processes import wait_until
from tests.world.world import World

pytestmark = pytest.mark.skipif(
    not (PREFIX / "toolchain.json").exists(),
    reason=f"no toolchain in {PREFIX}: run `make toolchain`",
)
GIB = 2**30


@pytest.fixture
def stack(tmp_path: Path, authority: World, client: Client) -> Stack:
    """A fresh stack named dev with one VM's claim and admission; `client` cleans the ledger afterwards."""
    made = Stack(tmp_path, authority.environment)
    made.configure(uri=authority.uri, host=authority.host)
    return made


def test_a_stack_lives_through_create_update_refresh_and_destroy(stack: Stack, client: Client) -> None:
    preview = stack.pulumi("preview", "--diff")
    assert "web-1-memory: 1073741824" in preview
    assert not any(each["items"] for each in client.list_claims("demo"))
    stack.pulumi("up", "--yes", "--skip-preview")
    claim = stack.output("claim")
    assert stack.output("web-1-uuid") == str(item_uuid(claim, "vm:web-1"))
    assert stack.output("web-1-memory") == GIB
    assert "unchanged" in stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    stack.configure(vms=json.dumps({"web-1": "2GiB", "web-2": "1GiB"}))
    stack.pulumi("up", "--yes", "--skip-preview")
    assert client.get_claim(claim)["charge"]["memory"] == str(3 * GIB)
    stack.configure(vms=json.dumps({"web-1": "1GiB"}))
    stack.pulumi("up", "--yes", "--skip-preview")
    held = client.get_claim(claim)
    assert [item["key"] for item in held["items"]] == ["vm:web-1"]
    assert held["charge"]["memory"] == str(GIB)
    stack.pulumi("refresh", "--yes", "--skip-preview")
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert client.get_claim(claim)["charge"] == {}


def test_what_does_not_fit_fails_the_preview_and_the_update(stack: Stack, client: Client) -> None:
    stack.configure(vms=json.dumps({"web-1": "5GiB"}))
    for command in (("preview",), ("up", "--skip-preview", "--yes")):
        said = stack.pulumi(*command, fails=True)
        for word in ("project demo", "memory", "4GiB", "5GiB", "limit", "used", "requested", "would fit"):
            assert word in said
    assert stack.resources() == []


def test_targets_are_no_side_door(stack: Stack, client: Client) -> None:
    stack.pulumi("up", "--yes", "--skip-preview")
    claim = stack.output("claim")
    stack.configure(vms=json.dumps({"web-1": "2GiB"}))
    admission = "urn:pulumi:dev::tiny::limen:index:Admission::web-1"
    said = stack.pulumi("up", "--yes", "--skip-preview", "--target", admission, fails=True)
    assert "vm:web-1 is not admitted at this size" in said
    assert "without --target" in said
    claim_urn = "urn:pulumi:dev::tiny::limen:index:QuotaClaim::claim"
    said = stack.pulumi("up", "--yes", "--skip-preview", "--exclude", claim_urn, fails=True)
    assert "not admitted" in said
    assert client.get_claim(claim)["charge"]["memory"] == str(GIB)


def test_of_two_updates_that_fit_alone_exactly_one_gets_through(
    stack: Stack, tmp_path: Path, authority: World, client: Client
) -> None:
    (tmp_path / "second").mkdir()
    other = Stack(tmp_path / "second", authority.environment, "other")
    other.configure(uri=authority.uri, host=authority.host)
    for each in (stack, other):
        each.configure(vms=json.dumps({"web-1": "3GiB"}))
    running = [each.start("up", "--yes", "--skip-preview") for each in (stack, other)]
    codes = []
    for process in running:
        with process:
            process.communicate(timeout=120)
        codes.append(process.returncode)
    assert sorted(code == 0 for code in codes) == [False, True]


def test_a_claim_released_behind_pulumis_back_is_admitted_again(stack: Stack, client: Client) -> None:
    stack.pulumi("up", "--yes", "--skip-preview")
    claim = stack.output("claim")
    client.release_claim(claim, client.get_claim(claim)["generation"])
    said = stack.pulumi("up", "--yes", "--skip-preview")
    assert "admitted again" in said
    held = client.get_claim(claim)
    assert held["state"] == "held"
    assert held["charge"]["memory"] == str(GIB)
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_another_project_is_a_transfer_in_place(stack: Stack, client: Client) -> None:
    stack.pulumi("up", "--yes", "--skip-preview")
    claim = stack.output("claim")
    stack.configure(project="other")
    assert "replace" not in stack.pulumi("up", "--yes", "--skip-preview")
    assert client.get_claim(claim)["project"] == "other"


def test_replacing_an_admission_by_hand_keeps_what_it_admitted(stack: Stack, client: Client) -> None:
    stack.pulumi("up", "--yes", "--skip-preview")
    claim = stack.output("claim")
    urn = "urn:pulumi:dev::tiny::limen:index:Admission::web-1"
    stack.pulumi("up", "--yes", "--skip-preview", "--replace", urn)
    assert client.get_claim(claim)["charge"]["memory"] == str(GIB)
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_claim_and_admission_are_imported(stack: Stack, client: Client) -> None:
    stack.pulumi("up", "--yes", "--skip-preview")
    claim = stack.output("claim")
    for kind, name in (("Admission", "web-1"), ("QuotaClaim", "claim")):
        stack.pulumi("state", "delete", "--yes", f"urn:pulumi:dev::tiny::limen:index:{kind}::{name}")
    for kind, name, known in (("QuotaClaim", "claim", claim), ("Admission", "web-1", f"{claim}/vm:web-1")):
        options = ("--yes", "--protect=false", "--generate-code=false")
        stack.pulumi("import", *options, f"limen:index:{kind}", name, known)
    stack.pulumi("up", "--yes", "--skip-preview")
    assert stack.output("claim") == claim
    assert len([each for each in client.list_claims("demo") if each["state"] == "held"]) == 1
    stack.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_with_the_api_away_nothing_goes_and_it_is_said_within_five_seconds(stack: Stack) -> None:
    started = time.monotonic()
    stack.pulumi("preview")
    usual = time.monotonic() - started
    stack.environ["LIMEN_API_URL"] = "http://127.0.0.1:9"
    started = time.monotonic()
    said = stack.pulumi("preview", fails=True)
    took = time.monotonic() - started
    assert "limen-api at http://127.0.0.1:9 can't be reached" in said
    assert took < usual + 5, f"{took:.1f} s, {usual:.1f} s with the API"


def test_interrupting_the_engine_leaves_a_stack_that_goes_on(stack: Stack, client: Client) -> None:
    process = stack.start("up", "--yes", "--skip-preview")
    wait_until(
        lambda: any(each["state"] == "held" for each in client.list_claims("demo")), 60.0, "a claim is held"
    )
    process.send_signal(signal.SIGINT)
    with process:
        process.communicate(timeout=60)
    if process.returncode < 0:
        stack.pulumi("cancel", "--yes")
    stack.pulumi("up", "--yes", "--skip-preview")
    assert len([each for each in client.list_claims("demo") if each["state"] == "held"]) == 1
