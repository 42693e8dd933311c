"""The plugin starts without the SDK for programs, and leaves it whole for whoever wants it."""

import subprocess
import sys

LOADED = """
import sys
import limen_provider.server
assert "pulumi" not in sys.modules, "the SDK was loaded"
from pulumi.runtime.proto import provider_pb2
import pulumi
from pulumi.runtime import proto
assert proto.provider_pb2 is provider_pb2
print(pulumi.Output.from_input, pulumi.runtime.settings)
"""


def test_the_sdk_is_not_loaded_and_can_be_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
