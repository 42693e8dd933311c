"""The environment of the machines of a pipeline: the one for strangers' code, and the operator's own."""

from pathlib import Path

from tests.lab.demo.authority import OPERATOR
from tests.world.world import World

_WAYS_TO_THE_HOST = ("LIMEN_LIBVIRT_URI", "LIBVIRT_DEFAULT_URI", "LIMEN_DOMAIN_TYPE")


def for_strangers(world: World, token: Path) -> dict[str, str]:
    """A token that may only ask, written to `token`; no way to the host, neither state nor passphrase."""
    token.touch(mode=0o600)
    token.write_text(world.client.create_token(OPERATOR, ["quota:check"], 3600)["token"])
    kept = {name: value for name, value in world.environment.items() if name not in _WAYS_TO_THE_HOST}
    nothing = dict.fromkeys(("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"), "file:///nonexistent")
    return {**kept, **nothing, "LIMEN_TOKEN_FILE": str(token)}
