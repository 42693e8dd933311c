"""The proxy as clients meet it."""

import pytest
from testinfra.host import Host

from tests.molecule.https import Site


@pytest.fixture(scope="module")
def proxy(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The proxy in the guest, whose self-signed certificate clients trust."""
    authority = tmp_path_factory.mktemp("tls") / "self-signed.pem"
    authority.write_text(host.file("/etc/nginx/tls/self-signed.pem").content_string)
    return Site(host.check_output("hostname -I").split()[0], authority)
