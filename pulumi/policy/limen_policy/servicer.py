"""The gRPC service that the engine asks: a thin edge over the policies."""
# ruff: noqa: N802  (the protocol names the methods)

from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2 as proto
from pulumi.runtime.proto import analyzer_pb2_grpc, plugin_pb2

from limen_policy import wire
from limen_policy.policy import Policy
from limen_policy.resource import Resource, Stack
from limen_provider.properties import read_struct

PACK = "limen"
# What the configuration says of this name, the engine has given to each policy.
EVERY_POLICY = "all"


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Serves one run of the engine, which configures it once."""

    def __init__(self, policies: Sequence[Policy], version: str) -> None:
        self._policies, self._version = policies, version
        self._levels = {policy.name: policy.level for policy in policies}
        self._settings = {policy.name: policy.defaults for policy in policies}

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self._version)

    def GetAnalyzerInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.AnalyzerInfo(
            name=PACK,
            version=self._version,
            supportsConfig=True,
            policies=[wire.write_policy(policy) for policy in self._policies],
        )

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.AnalyzerHandshakeResponse()

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The engine has held known settings against the schemas and put in the defaults; whatever else is
        in the configuration is misspelt, and would leave a policy weaker than somebody thinks."""
        by_name = {policy.name: policy for policy in self._policies}
        for name, given in request.policyConfig.items():
            if name == EVERY_POLICY:
                continue
            policy, settings = by_name.get(name), read_struct(given.properties)
            if policy is None:
                _refuse(context, f"there is no policy {name}", by_name)
            for unknown in sorted(settings.keys() - policy.schema.keys()):
                _refuse(context, f"the policy {name} has no setting {unknown}", policy.schema)
            self._levels[name] = wire.read_level(given.enforcementLevel)
            self._settings[name] = {**policy.defaults, **settings}
        return empty_pb2.Empty()

    def ConfigureStack(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.AnalyzerStackConfigureResponse()

    def Analyze(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._judge([wire.read_resource(request)], before=True)

    def AnalyzeStack(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._judge((wire.read_resource(each) for each in request.resources), before=False)

    def Remediate(self, request: Any, context: grpc.ServicerContext) -> Any:
        return proto.RemediateResponse()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def _judge(self, resources: Iterable[Resource], before: bool) -> Any:
        stack = Stack(resources)
        diagnostics = []
        for policy in self._policies:
            level, settings = self._levels[policy.name], self._settings[policy.name]
            if policy.before == before and level != "disabled":
                diagnostics += [
                    wire.write_finding(PACK, self._version, policy, level, settings, finding)
                    for finding in policy.decide(stack, settings)
                ]
        return proto.AnalyzeResponse(diagnostics=diagnostics)


def _refuse(context: grpc.ServicerContext, what: str, known: Iterable[str]) -> NoReturn:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{what}; known are {', '.join(known)}")
