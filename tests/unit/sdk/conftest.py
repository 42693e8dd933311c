"""A Pulumi engine that only writes down what is registered."""

import asyncio
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi import runtime
from pulumi.runtime import mocks, settings

from pulumi_limen import Stack

CLAIM = "6869ded2-a9d7-4a79-ad93-a686a8f24aa7"
HOST = "60f3eb55-a42b-5e5d-b0cb-294b06718581"
ITEM = "83425428-9644-53eb-b69c-17d654907ba8"


@dataclass
class Registered:
    """Everything registered, by (type, name): its inputs, and the request that holds its options."""

    inputs: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: dict[tuple[str, str], Any] = field(default_factory=dict)
    failure: str = ""

    def names(self, kind: str) -> set[str]:
        return {name for each, name in self.requests if each == kind}

    def parent(self, kind: str, name: str) -> str:
        return str(self.requests[kind, name].parent).rpartition("::")[2]


class _Mocks(mocks.Mocks):
    def __init__(self, registered: Registered) -> None:
        self._registered = registered

    def call(self, args: mocks.MockCallArgs) -> Any:
        assert args.token == "limen:index:getHostCapabilities"
        return {"hostUuid": HOST, "domainType": "qemu", "cpuMode": "maximum", "machine": "q35"}

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        self._registered.inputs[args.typ, args.name] = dict(args.inputs)
        outputs: Mapping[str, Any] = {
            "limen:index:QuotaClaim": {"claimId": CLAIM, "hostUuid": HOST, "charge": {}},
            "limen:index:Admission": {"uuid": ITEM, "vcpus": 1, "memory": 512 * 2**20, "disk": 2**30},
            "limen:index:Image": {"volumeId": "/pool/base"},
        }.get(args.typ, {})
        return f"{args.name}-id", {**args.inputs, **outputs}


class _Monitor(mocks.MockMonitor):
    def __init__(self, found: _Mocks, registered: Registered) -> None:
        super().__init__(found)
        self._registered = registered

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the protocol's name
        if request.type != "pulumi:pulumi:Stack":  # once a process
            self._registered.requests[request.type, request.name] = request
        return super().RegisterResource(request)


class Program:
    """Builds documents; what the user would read of a failure is in `Registered.failure`."""

    def build(self, document: Mapping[str, Any]) -> Registered:
        def filled() -> Stack:
            stack = Stack(project="demo")
            stack.add(document)
            return stack

        return self._play(filled)

    def configured(self, values: Mapping[str, Any]) -> Registered:
        """What Pulumi's configuration makes of itself; mappings become JSON, as on the command line."""
        runtime.set_all_config(
            {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
        )
        try:
            return self._play(Stack.from_configuration)
        finally:
            runtime.set_all_config({})

    def _play(self, stack: Callable[[], Stack]) -> Registered:
        registered = Registered()
        found = _Mocks(registered)
        mocks.set_mocks(
            found, project="vm_stack", stack="dev", preview=False, monitor=_Monitor(found, registered)
        )

        @pulumi.runtime.test
        def run() -> Any:
            try:
                return stack().build().vms
            except pulumi.RunError as error:
                registered.failure = str(error)
                return None

        run()
        return registered


@functools.cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """One for all tests of a process. The SDK makes futures outside coroutines, and its mocks leave a loop in
    each thread of this one's executor: they would be found unclosed in the midst of another's test.
    """
    return asyncio.new_event_loop()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "test:///default")
    monkeypatch.delenv("LIMEN_DOMAIN_TYPE", raising=False)
    asyncio.set_event_loop(_event_loop())  # `asyncio.run` of a test before this one leaves none
    yield Program()
    settings.reset_options()
