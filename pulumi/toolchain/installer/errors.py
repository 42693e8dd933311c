"""The one error family of the installer."""


class ToolchainError(Exception):
    """The toolchain can't be installed; the text says why and what to do."""


class BuildError(ToolchainError):
    """Building from the Go modules failed."""


class PluginError(ToolchainError):
    """The official CLI could not install the official plugin."""
