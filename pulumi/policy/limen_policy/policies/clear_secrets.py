"""No password or private key in user data in clear, where state and previews show it to everybody."""

from collections.abc import Iterator, Mapping

from limen_policy import secret_finder
from limen_policy.kinds import CLOUD_INIT_DISK, COMBUSTION, IGNITION
from limen_policy.policy import Finding, Policy, Settings, unjudged
from limen_policy.resource import Stack
from limen_provider.properties import UNKNOWN

_TEXTS: Mapping[str, tuple[str, ...]] = {
    CLOUD_INIT_DISK: ("userData", "metaData", "networkConfig"),
    IGNITION: ("content",),
    COMBUSTION: ("content",),
}


def decide(stack: Stack, settings: Settings) -> Iterator[Finding]:
    """What is secret and not marked so. No finding holds a value."""
    for medium in stack.of_type(*_TEXTS):
        for name in _TEXTS[medium.type]:
            # Not `get`: a Pulumi secret is just what it should be.
            value = medium.properties.get(name)
            if value is UNKNOWN:
                yield unjudged(medium, name)
            elif isinstance(value, str):
                for found in secret_finder.find(value, settings["keys"], settings["hashes"]):
                    at = f" at {found.path}" if found.path else ""
                    yield Finding(medium, f"`{name}` holds {found.what} in clear{at}")


POLICY = Policy(
    name="no-clear-secrets",
    description="User data holds no password and no private key in clear.",
    severity="critical",
    decide=decide,
    remedy="Pass the text as a secret: `pulumi config set --secret`, or pulumi.Output.secret(...).",
    before=True,
    own_schema={
        "keys": {
            "type": "array",
            "items": {"type": "string"},
            "default": [],
            "description": "more names of keys whose values are secret",
        },
        "hashes": {
            "type": "boolean",
            "default": False,
            "description": "whether hashes of passwords have to be secret too",
        },
    },
)
