"""What happens when something is away, lost, rotated, slow or cancelled."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import psutil
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import engine_pb2

from tests.unit.provider.fake_api import FakeApi
from tests.unit.provider.stack import admission_inputs, claim_inputs, make_admission, make_claim
from tests.unit.provider.wire import STARTED_WITH_FAKE_HOSTS, Provider, Refused, changed, running


def test_without_the_api_everything_fails_within_five_seconds_and_says_so(api: FakeApi) -> None:
    environment = {"LIMEN_API_URL": "http://127.0.0.1:9", "LIMEN_TOKEN": "t"}
    with running(environment, STARTED_WITH_FAKE_HOSTS) as provider:
        provider.configure()
        claim, admission = provider.of("QuotaClaim"), provider.of("Admission")
        known = claim_inputs(claimId="11111111-2222-4333-8444-555555555555")
        outputs = {**known, "generation": 1, "hostUuid": "11111111-2222-4333-8444-555555555556"}
        item = f"{known['claimId']}/vm:web-1"
        operations = (
            lambda: claim.check(known),
            lambda: claim.diff(known["claimId"], known, outputs, known),
            lambda: claim.create(known),
            lambda: claim.update(known["claimId"], known, outputs, known),
            lambda: claim.read(known["claimId"], known, outputs),
            lambda: claim.delete(known["claimId"], known, outputs),
            lambda: admission.read(item, {"key": "vm:web-1"}, {"fence": "1"}),
            lambda: admission.delete(item, {}, {"fence": "1"}),
        )
        for operation in operations:
            started = time.monotonic()
            with pytest.raises(Refused, match=r"limen-api at http://127.0.0.1:9 can't be reached"):
                operation()
            assert time.monotonic() - started < 5


def test_a_rotated_token_is_read_again(provider: Provider, api: FakeApi, token_file: Path) -> None:
    claim = make_claim(provider)
    api.token = "token-2"
    token_file.write_text("token-2\n")
    assert not changed(claim.diff())


def test_a_token_that_is_no_longer_good_says_so(provider: Provider, api: FakeApi) -> None:
    api.token = "token-2"
    with pytest.raises(Refused, match="token is not valid") as refused:
        provider.of("QuotaClaim").check(claim_inputs())
    assert refused.value.code == grpc.StatusCode.FAILED_PRECONDITION
    assert "token-1" not in refused.value.message


def test_a_claim_whose_answer_was_lost_is_kept_in_the_state_and_found_again(
    provider: Provider, api: FakeApi
) -> None:
    wire = provider.of("QuotaClaim")
    inputs, _ = wire.check(claim_inputs())
    api.lose_answers = 100
    with pytest.raises(Refused) as refused:
        wire.create(inputs)
    api.lose_answers = 0
    (kept,) = refused.value.details
    assert kept.id == inputs["claimId"]
    assert "can't be reached" in kept.reasons[0]
    assert len(api.claims) == 1
    outputs = wire.update(kept.id, inputs, {**inputs, "generation": 0}, inputs)
    assert outputs["generation"] >= 1
    assert len(api.claims) == 1


def test_an_admission_whose_answer_was_lost_is_kept_in_the_state(provider: Provider, api: FakeApi) -> None:
    claim = make_claim(provider)
    wire = provider.of("Admission")
    inputs, _ = wire.check(admission_inputs(claim, api.host_uri))
    api.lose_answers = 100
    with pytest.raises(Refused) as refused:
        wire.create(inputs)
    api.lose_answers = 0
    (kept,) = refused.value.details
    assert kept.id == f"{claim.id}/vm:web-1"
    assert wire.update(kept.id, inputs, inputs, inputs)["state"] == "building"


def test_a_lapsed_item_is_admitted_again(provider: Provider, api: FakeApi) -> None:
    claim = make_claim(provider)
    admission = make_admission(provider, claim, api.host_uri)
    api.lapse(claim.id, "vm:web-1")
    assert changed(claim.diff())
    assert changed(admission.diff())
    with pytest.raises(Refused, match="has lapsed"):
        admission.update()
    claim.update()
    assert admission.update()["state"] == "building"


def test_a_claim_that_the_ledger_forgot_is_created_under_the_same_id(
    provider: Provider, api: FakeApi
) -> None:
    claim = make_claim(provider)
    api.forget(claim.id)
    assert claim.wire.read(claim.id, claim.inputs, claim.outputs)[0] == claim.id
    assert changed(claim.diff())
    assert claim.update()["claimId"] == claim.id
    assert list(api.claims) == [claim.id]


def test_what_libvirt_still_shows_stays_charged_with_a_warning(provider: Provider, api: FakeApi) -> None:
    claim = make_claim(provider)
    admission = make_admission(provider, claim, api.host_uri)
    api.observed["vm:web-1"] = {"vms": 1, "vcpus": 1, "memory": 2**30}
    admission.delete()
    (warning,) = [
        message for _, severity, message, _ in provider.engine.messages if severity == engine_pb2.WARNING
    ]
    for word in ("vm:web-1", "1 vcpus", "1GiB memory", "stays charged"):
        assert word in warning


def test_a_long_wait_shows_what_is_waited_for(provider: Provider, api: FakeApi) -> None:
    claim = make_claim(provider)
    admission = make_admission(provider, claim, api.host_uri)
    api.settle_seconds = 2.5
    admission.delete()
    statuses = [message for _, _, message, ephemeral in provider.engine.messages if ephemeral]
    assert any("waiting for a scan of the host that shows vm:web-1 gone" in each for each in statuses)


def test_heartbeats_go_on_until_the_engine_cancels(api: FakeApi, token_file: Path) -> None:
    environment = {"LIMEN_API_URL": api.url, "LIMEN_TOKEN_FILE": str(token_file)}
    with running(environment, STARTED_WITH_FAKE_HOSTS) as provider:
        provider.configure()
        claim = make_claim(provider)
        _await_heartbeat(api, (claim.id, []))
        fence = make_admission(provider, claim, api.host_uri).outputs["fence"]
        _await_heartbeat(api, (claim.id, [fence]))
        provider.ask(provider.stub.Cancel, Empty())
        time.sleep(0.3)  # one that was under way may still arrive
        seen = len(api.heartbeats)
        time.sleep(0.6)  # three beats long: nothing may come
        assert len(api.heartbeats) == seen


def _await_heartbeat(api: FakeApi, beat: tuple[str, list[str]]) -> None:
    with api.heard:
        assert api.heard.wait_for(lambda: beat in api.heartbeats, timeout=10)


def test_cancel_ends_a_wait(api: FakeApi, token_file: Path) -> None:
    environment = {"LIMEN_API_URL": api.url, "LIMEN_TOKEN_FILE": str(token_file)}
    with running(environment, STARTED_WITH_FAKE_HOSTS) as provider:
        provider.configure()
        claim = make_claim(provider)
        admission = make_admission(provider, claim, api.host_uri)
        api.settle_seconds = 30
        refusals: list[Refused] = []

        def delete() -> None:
            try:
                admission.delete()
            except Refused as refused:
                refusals.append(refused)

        deleting = threading.Thread(target=delete)
        deleting.start()
        with provider.engine.heard:
            provider.engine.heard.wait_for(lambda: "waiting for" in provider.engine.texts, timeout=10)
        started = time.monotonic()
        provider.ask(provider.stub.Cancel, Empty())
        deleting.join(60)
        assert time.monotonic() - started < 10
        assert [refused.code for refused in refusals] == [grpc.StatusCode.CANCELLED]


def test_the_process_ends_with_its_engine(tmp_path: Path) -> None:
    """An engine that was killed leaves no provider behind that would keep reservations alive."""
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'limen_provider', '127.0.0.1:9'],"
        " stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        f"open({str(pid_file)!r}, 'w').write(str(child.pid))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    engine = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert engine.stdout is not None
    engine.stdout.readline()
    provider = psutil.Process(int(pid_file.read_text()))
    os.kill(engine.pid, signal.SIGKILL)
    engine.wait()
    engine.stdout.close()
    alive = psutil.wait_procs([provider], timeout=20)[1]
    for process in alive:
        process.kill()
    assert not alive


def test_ctrl_c_is_left_to_the_engine(provider: Provider) -> None:
    provider.process.send_signal(signal.SIGINT)
    assert provider.of("QuotaClaim").check(claim_inputs())[1] == {}
