"""Pulumi's protobuf messages without the SDK that they are a part of.

The SDK's packages load all of it, which would be most of the time until the host answers.
"""

import importlib
import sys
from importlib.machinery import PathFinder
from types import ModuleType


def load() -> None:
    """Load `pulumi.runtime.proto` with nothing but empty packages around it, unless the SDK is there already.

    The empty ones do not stay: whoever imports `pulumi` afterwards gets the SDK. Raises ImportError.
    """
    if "pulumi" in sys.modules:
        return
    spec = PathFinder.find_spec("pulumi")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("the Pulumi SDK is missing: install it with pip install pulumi")
    below = list(spec.submodule_search_locations)
    for name in ("pulumi", "pulumi.runtime"):
        package = ModuleType(name)
        package.__path__ = below
        sys.modules[name] = package
        below = [f"{folder}/runtime" for folder in below]
    try:
        importlib.import_module("pulumi.runtime.proto")
    finally:
        del sys.modules["pulumi"], sys.modules["pulumi.runtime"]
