"""What the resource classes work with, one of each for the whole process."""

import threading
from collections.abc import Callable

from limen.client import Client, ClientMisconfigured
from limen_provider.heartbeat import Heartbeats
from limen_provider.hosts import Hosts
from limen_provider.preview_only import PreviewOnly, from_environment


class Services:
    """The API's client, the heartbeats, the libvirt connections, and whether the engine has cancelled.

    `preview_only` is set where the host must not be asked for anything.
    """

    def __init__(
        self, make_client: Callable[[], Client] = Client.from_environment, hosts: Hosts | None = None
    ) -> None:
        self._make_client = make_client
        self._client: Client | None = None
        self.hosts = hosts or Hosts()
        self.heartbeats = Heartbeats(lambda claim, fences: self.client.heartbeat(claim, fences))
        self.cancelled = threading.Event()
        self.preview_only: PreviewOnly | None = None

    def configure(self) -> None:
        """Read URL and token from the environment; raises `ClientMisconfigured`, and `NoAccess`."""
        self.preview_only = from_environment()
        self._client = self._make_client()

    @property
    def client(self) -> Client:
        if self._client is None:
            raise ClientMisconfigured("The limen provider is not configured: the engine must do that first.")
        return self._client

    def cancel(self) -> None:
        """Stop waiting, and stop keeping reservations alive."""
        self.cancelled.set()
        self.heartbeats.stop()
