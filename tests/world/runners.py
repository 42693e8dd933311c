"""The environment of a machine of a pipeline: the one that runs strangers' code."""

import secrets
from pathlib import Path

from tests.world.world import PROJECT, World

_WAYS_TO_THE_HOST = ("LIMEN_LIBVIRT_URI", "LIBVIRT_DEFAULT_URI", "LIMEN_DOMAIN_TYPE")


def for_strangers(world: World, token: Path) -> dict[str, str]:
    """A viewer's token that may only ask, written to `token`; no way to the host, no state, no passphrase."""
    user = f"strangers-{secrets.token_hex(2)}"
    world.client.create_user(user)
    world.client.set_member(PROJECT, user, "viewer")
    token.touch(mode=0o600)
    token.write_text(world.client.create_token(user, ["quota:check"], 3600)["token"])
    kept = {name: value for name, value in world.environment.items() if name not in _WAYS_TO_THE_HOST}
    nothing = dict.fromkeys(("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"), "file:///nonexistent")
    return {**kept, **nothing, "LIMEN_TOKEN_FILE": str(token)}
