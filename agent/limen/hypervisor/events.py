"""Libvirt's events, followed across restarts of libvirtd."""

from collections.abc import Callable

EventCallback = Callable[[str, str, str], None]


class Follower:
    def stop(self) -> None:
        """Stop at once; no callback begins after this returns."""
        raise NotImplementedError


def follow(uri: str, callback: EventCallback) -> Follower:
    """Call `callback(kind, uuid, what)` for every event, in one thread a follower, in order.

    kind `domain`: what `defined undefined started suspended resumed stopped shutdown pmsuspended crashed
    device-added device-removed balloon reboot metadata`; kind `network`: `defined undefined started stopped
    metadata`; kind `pool`: `defined undefined started stopped created deleted refreshed`; kind `host`, uuid
    "": `connected` (also after a restart of libvirtd: events were missed, scan) and `lost`.
    """
    raise NotImplementedError
