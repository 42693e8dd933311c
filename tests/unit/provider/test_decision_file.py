"""A decision as data, for programs that run the engine."""

import json
from pathlib import Path

import pytest

from limen_provider import decisions
from tests.unit.provider.fake_api import HOST_NAME, FakeApi
from tests.unit.provider.stack import claim_inputs, make, vm_item
from tests.unit.provider.wire import STARTED_WITH_FAKE_HOSTS, Refused, running


def test_a_decision_is_written_where_the_environment_says(
    api: FakeApi, token_file: Path, tmp_path: Path
) -> None:
    told = tmp_path / "decision.json"
    environment = {
        "LIMEN_API_URL": api.url,
        "LIMEN_TOKEN_FILE": str(token_file),
        "LIMEN_DECISION_FILE": str(told),
    }
    with running(environment, STARTED_WITH_FAKE_HOSTS) as provider:
        provider.begin()
        wire = provider.of("QuotaClaim")
        small, failures = wire.check(claim_inputs(HOST_NAME, items={"vm:a": vm_item(3, "3GiB", "a")}))
        assert not failures
        admitted = json.loads(told.read_text())
        assert admitted["allowed"] is True
        assert admitted["question"]["claim"] == small["claimId"]
        assert [item["key"] for item in admitted["question"]["items"]] == ["vm:a"]
        told.unlink()

        wire.check(claim_inputs(HOST_NAME, items={"vm:a": vm_item(9, "9GiB", "a")}))
        assert json.loads(told.read_text())["allowed"] is False
        assert [path.name for path in tmp_path.iterdir()] == ["decision.json"]
        told.unlink()

        make(provider, "QuotaClaim", claim_inputs(HOST_NAME, items={"vm:b": vm_item(2, "2GiB", "b")}))
        with pytest.raises(Refused, match="Denied:"):
            wire.create(small)
        denied = json.loads(told.read_text())
        assert denied["text"].startswith("Denied:")
        assert denied["question"]["claim"] == small["claimId"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("pulumi preview --json --stack dev", True),
        ("pulumi preview -j", True),
        ("pulumi preview --json=true", True),
        ("pulumi preview --stack json", False),
        ("pulumi up", False),
        ("", False),
    ],
)
def test_only_an_engine_that_writes_json_is_told_what_was_asked(command: str, answer: bool) -> None:
    assert decisions.wants_json(command.split()) is answer
