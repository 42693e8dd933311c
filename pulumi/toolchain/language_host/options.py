"""The runtime options of a project: what stands under `runtime.options` in Pulumi.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import OptionError

TOOLCHAINS = ("pip", "uv")

# Options of the official host that change nothing here: type checkers are run by the project's own tests.
IGNORED = frozenset({"typechecker"})


@dataclass(frozen=True)
class RuntimeOptions:
    """Options after validation.

    virtualenv: folder of a virtual environment, relative to the project's root; None: not given.
    toolchain: how dependencies are installed, one of TOOLCHAINS.
    """

    virtualenv: str | None = None
    toolchain: str = "pip"


def parse_options(options: Mapping[str, object]) -> RuntimeOptions:
    """Validate the options of a project.

    Raises OptionError for an unknown option and for a value of the wrong type.
    """
    unknown = sorted(set(options) - {"virtualenv", "toolchain"} - IGNORED)
    if unknown:
        raise OptionError(
            f"unknown runtime option {unknown[0]!r} in Pulumi.yaml; known are virtualenv and toolchain"
        )
    virtualenv = options.get("virtualenv")
    if virtualenv is not None and (not isinstance(virtualenv, str) or not virtualenv.strip()):
        raise OptionError("runtime option 'virtualenv' in Pulumi.yaml must be the path of a folder")
    toolchain = options.get("toolchain", "pip")
    if toolchain not in TOOLCHAINS:
        raise OptionError(
            f"runtime option 'toolchain' in Pulumi.yaml is {toolchain!r}; "
            f"this host knows {' and '.join(TOOLCHAINS)}"
        )
    return RuntimeOptions(virtualenv=virtualenv, toolchain=str(toolchain))
