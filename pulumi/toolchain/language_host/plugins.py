"""The provider plugins that the packages in an environment ask for."""

from dataclasses import dataclass

from .interpreter import Environment


@dataclass(frozen=True, order=True)
class Plugin:
    """A plugin as the engine looks it up; server: where to fetch it from, "" for Pulumi's own."""

    name: str
    version: str
    server: str
    kind: str = "resource"


def required_plugins(found: Environment) -> list[Plugin]:
    """The plugins, sorted.

    A pulumi-plugin.json that does not say `"resource": true` belongs to a library without a plugin.
    """
    return sorted(
        Plugin(
            name=str(entry.get("name", "")),
            version=str(entry.get("version", "")),
            server=str(entry.get("server", "")),
        )
        for entry in found.plugins
        if entry.get("resource")
    )
