"""The messages of the Analyzer protocol <-> resources, policies and findings."""

from collections.abc import Mapping
from typing import Any

from pulumi.runtime.proto import analyzer_pb2 as proto

from limen_policy.policy import UNKNOWN_SETTING, Finding, Level, Policy, Severity
from limen_policy.resource import Resource
from limen_provider.properties import read_struct, write_struct

_LEVELS: Mapping[Level, Any] = {
    "advisory": proto.ADVISORY,
    "mandatory": proto.MANDATORY,
    "disabled": proto.DISABLED,
}
_SEVERITIES: Mapping[Severity, Any] = {
    "low": proto.POLICY_SEVERITY_LOW,
    "medium": proto.POLICY_SEVERITY_MEDIUM,
    "high": proto.POLICY_SEVERITY_HIGH,
    "critical": proto.POLICY_SEVERITY_CRITICAL,
}


def read_resource(message: Any) -> Resource:
    """An AnalyzerResource, or an AnalyzeRequest, which has no dependencies."""
    whole = isinstance(message, proto.AnalyzerResource)
    return Resource(
        urn=message.urn,
        type=message.type,
        name=message.name,
        properties=read_struct(message.properties),
        protect=message.options.protect,
        ignored=frozenset(message.options.ignoreChanges),
        parent=message.options.parent,
        dependencies=tuple(message.dependencies) if whole else (),
        property_dependencies={
            name: tuple(each.urns) for name, each in (message.propertyDependencies if whole else {}).items()
        },
        provider=read_struct(message.provider.properties),
    )


def read_level(value: int) -> Level:
    """A level of the configuration. What cannot be mended is refused, so `remediate` is mandatory."""
    return next((level for level, each in _LEVELS.items() if each == value), "mandatory")


def write_policy(policy: Policy) -> Any:
    kind = proto.POLICY_TYPE_RESOURCE if policy.before else proto.POLICY_TYPE_STACK
    return proto.PolicyInfo(
        name=policy.name,
        description=policy.description,
        enforcementLevel=_LEVELS[policy.level],
        configSchema=proto.PolicyConfigSchema(properties=write_struct(policy.schema)),
        policy_type=kind,
        severity=_SEVERITIES[policy.severity],
        remediation_steps=policy.remedy,
    )


def write_finding(
    pack: str, version: str, policy: Policy, level: Level, settings: Mapping[str, Any], finding: Finding
) -> Any:
    """A finding as a diagnostic. What could not be judged is as grave as the configuration says, at most
    as grave as the policy."""
    if not finding.judged and level == "mandatory":
        level = settings[UNKNOWN_SETTING]
    return proto.AnalyzeDiagnostic(
        policyName=policy.name,
        policyPackName=pack,
        policyPackVersion=version,
        description=policy.description,
        message=policy.message(finding),
        enforcementLevel=_LEVELS[level],
        urn=finding.resource.urn,
        severity=_SEVERITIES[policy.severity],
    )
