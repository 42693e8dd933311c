"""What is the same for every resource: configuration, schema, refusals, messages."""

import json
import subprocess
import sys

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from limen_provider.properties import Secret, write_struct
from tests.unit.provider.fake_api import FakeApi
from tests.unit.provider.stack import claim_inputs
from tests.unit.provider.wire import EngineStandIn, Provider, Refused, running


def test_the_schema_is_json_and_names_every_resource(provider: Provider) -> None:
    answer = provider.ask(provider.stub.GetSchema, provider_pb2.GetSchemaRequest())
    document = json.loads(answer.schema)
    assert document["name"] == "limen"
    assert {"limen:index:QuotaClaim", "limen:index:Admission"} <= set(document["resources"])
    for resource in document["resources"].values():
        assert set(resource["requiredInputs"]) <= set(resource["inputProperties"])


def test_the_version_is_told(provider: Provider) -> None:
    empty = Empty()
    assert provider.ask(provider.stub.GetPluginInfo, empty).version == "0.1.0"


def test_parameters_are_refused(provider: Provider) -> None:
    with pytest.raises(Refused, match="takes no parameters") as refused:
        provider.ask(provider.stub.Parameterize, provider_pb2.ParameterizeRequest())
    assert refused.value.code == grpc.StatusCode.UNIMPLEMENTED


def test_configuration_is_refused_so_that_no_secret_gets_into_the_state(provider: Provider) -> None:
    request = provider_pb2.CheckRequest(news=write_struct({"token": Secret("s3cret"), "version": "0.1.0"}))
    failures = provider.ask(provider.stub.CheckConfig, request).failures
    assert [failure.property for failure in failures] == ["token"]
    assert "LIMEN_TOKEN" in failures[0].reason
    assert "s3cret" not in failures[0].reason


def test_without_an_api_configured_it_says_what_to_set() -> None:
    with running({}) as provider, pytest.raises(Refused, match="LIMEN_API_URL is not set") as refused:
        provider.configure()
    assert refused.value.code == grpc.StatusCode.FAILED_PRECONDITION


def test_secret_inputs_are_refused_unseen(provider: Provider) -> None:
    items = {"vm:a": {"kind": "vm", "name": "a", "amounts": {"vcpus": Secret("hush")}}}
    _, failures = provider.of("QuotaClaim").check(claim_inputs(project=Secret("demo"), items=items))
    assert set(failures) == {"project", 'items["vm:a"].amounts.vcpus'}
    assert all("pass a plain value" in reason for reason in failures.values())
    assert "hush" not in str(failures)


def test_a_resource_that_is_not_there_is_named(provider: Provider) -> None:
    with pytest.raises(Refused, match="limen:index:Car"):
        provider.of("Car").check({})


def test_an_engine_that_attaches_gets_the_messages(provider: Provider, api: FakeApi) -> None:
    later = EngineStandIn()
    try:
        provider.ask(provider.stub.Attach, plugin_pb2.PluginAttach(address=later.address))
        wire = provider.of("QuotaClaim")
        inputs, _ = wire.check(claim_inputs())
        wire.diff(inputs["claimId"], inputs, inputs, inputs)
        assert "admitted again" in later.texts
    finally:
        later.stop()


def test_help_says_what_it_reads() -> None:
    command = [sys.executable, "-m", "limen_provider", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert "LIMEN_API_URL" in shown.stdout
