"""The protocol's edge: what the engine is told of the pack, and what comes back as diagnostics."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from pulumi.runtime.proto import analyzer_pb2 as proto

from limen_policy.pack import POLICIES
from limen_policy.servicer import Analyzer
from limen_provider.properties import UNKNOWN, Secret, write_struct


class Refused(Exception):
    """The call was ended with this status."""


class Context:
    """As much of a call's context as the servicer uses."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise Refused(code, details)


CONTEXT: Any = Context()
PACK_FOLDER = Path(__file__).parents[3] / "pulumi" / "policy"
SEED = "libvirt:index/cloudInitDisk:CloudInitDisk"
DOMAIN = "libvirt:index/domain:Domain"


@pytest.fixture
def analyzer() -> Analyzer:
    return Analyzer(POLICIES, "1.2.3")


def configure(analyzer: Analyzer, policy: str, level: Any, **settings: Any) -> None:
    given = proto.PolicyConfig(enforcementLevel=level, properties=write_struct(settings))
    analyzer.Configure(proto.ConfigureAnalyzerRequest(policyConfig={policy: given}), CONTEXT)


def seed(user_data: Any) -> Any:
    properties = write_struct({"userData": user_data})
    return proto.AnalyzeRequest(type=SEED, name="seed", urn="urn:seed", properties=properties)


def test_the_packs_version_is_limens() -> None:
    assert yaml.safe_load((PACK_FOLDER / "PulumiPolicy.yaml").read_text())["version"] == version("limen")


def test_every_policy_is_documented_with_every_setting() -> None:
    page = (PACK_FOLDER.parents[1] / "docs" / "policies.md").read_text()
    for policy in POLICIES:
        section = page.partition(f"## {policy.name}\n")[2].partition("\n## ")[0]
        assert policy.severity in section, policy.name
        for name in policy.own_schema:
            assert f"`{name}`" in section, (policy.name, name)


def test_every_policy_says_what_it_is_and_what_can_be_configured(analyzer: Analyzer) -> None:
    info = analyzer.GetAnalyzerInfo(None, CONTEXT)
    assert [each.name for each in info.policies] == [policy.name for policy in POLICIES]
    assert len({each.name for each in info.policies}) == len(POLICIES)
    for each in info.policies:
        assert each.enforcementLevel == proto.MANDATORY
        assert each.severity != proto.POLICY_SEVERITY_UNSPECIFIED
        assert each.remediation_steps
        schema = each.configSchema.properties
        assert "unknown" in schema
        assert all("default" in schema[name] and "description" in schema[name] for name in schema)


def test_a_violation_is_one_line_that_begins_with_the_resource(analyzer: Analyzer) -> None:
    (found,) = analyzer.Analyze(seed("password: hunter2"), CONTEXT).diagnostics
    assert found.message == "seed: `userData` holds a password in clear at password"
    assert (found.policyName, found.urn) == ("no-clear-secrets", "urn:seed")
    assert (found.enforcementLevel, found.severity) == (proto.MANDATORY, proto.POLICY_SEVERITY_CRITICAL)
    assert not analyzer.Analyze(seed(Secret("password: hunter2")), CONTEXT).diagnostics


def test_what_is_misspelt_in_the_configuration_is_refused(analyzer: Analyzer) -> None:
    with pytest.raises(Refused, match="there is no policy own; known are admitted, "):
        configure(analyzer, "own", proto.ADVISORY)
    with pytest.raises(Refused, match="the policy owned has no setting project; known are projects, owner"):
        configure(analyzer, "owned", proto.ADVISORY, project="web")
    configure(analyzer, "all", proto.ADVISORY)


def test_stack_policies_see_what_hangs_on_what(analyzer: Analyzer) -> None:
    bare = proto.AnalyzerResource(type=DOMAIN, name="bare", urn="urn:bare")
    found = analyzer.AnalyzeStack(proto.AnalyzeStackRequest(resources=[bare]), CONTEXT).diagnostics
    assert [each.policyName for each in found] == ["admitted", "owned"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [(proto.ADVISORY, [proto.ADVISORY]), (proto.REMEDIATE, [proto.MANDATORY]), (proto.DISABLED, [])],
)
def test_the_configuration_sets_the_level(analyzer: Analyzer, level: Any, expected: list[Any]) -> None:
    configure(analyzer, "no-clear-secrets", level)
    found = analyzer.Analyze(seed("password: hunter2"), CONTEXT).diagnostics
    assert [each.enforcementLevel for each in found] == expected


@pytest.mark.parametrize(
    ("level", "unknown", "expected"),
    [
        (proto.MANDATORY, "advisory", proto.ADVISORY),
        (proto.MANDATORY, "mandatory", proto.MANDATORY),
        (proto.ADVISORY, "mandatory", proto.ADVISORY),
    ],
)
def test_what_cannot_be_judged_is_as_grave_as_configured(
    analyzer: Analyzer, level: Any, unknown: str, expected: Any
) -> None:
    configure(analyzer, "no-clear-secrets", level, unknown=unknown)
    (found,) = analyzer.Analyze(seed(UNKNOWN), CONTEXT).diagnostics
    assert found.enforcementLevel == expected
