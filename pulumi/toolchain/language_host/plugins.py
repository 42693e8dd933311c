"""The provider plugins that the packages in an environment ask for."""

from .interpreter import Environment

# In pulumi-plugin.json, and by the same names in the messages that answer the engine.
FIELDS = ("name", "version", "server")


def required_plugins(found: Environment) -> list[dict[str, str]]:
    """The fields of one message for each plugin, sorted by name.

    A pulumi-plugin.json that says `"resource": false` belongs to a library without a plugin.
    """
    wanted = []
    for plugin in found.plugins:
        if plugin.get("resource"):
            wanted.append({"kind": "resource", **{field: str(plugin.get(field, "")) for field in FIELDS}})
    return sorted(wanted, key=lambda fields: (fields["name"], fields["version"]))
