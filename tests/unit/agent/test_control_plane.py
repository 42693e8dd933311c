"""How the agent gets at limen-api: by an address, while the certificate stays that of the name."""

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from limen.agent.control_plane import ControlPlaneAway, ControlPlaneClient

NAME = "limen.invalid"  # no resolver knows it


class Api(BaseHTTPRequestHandler):
    """Tells the clock, and under which name it was asked."""

    def do_GET(self) -> None:
        body = json.dumps({"now": self.headers["Host"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key of NAME as the role reverse_proxy makes them: signed by itself, no authority."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    extensions = [
        f"subjectAltName=DNS:{NAME}",
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=serverAuth",
    ]
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-days", "1", "-subj", f"/CN={NAME}", "-keyout", str(key), "-out", str(certificate)]
    argv += [part for extension in extensions for part in ("-addext", extension)]
    subprocess.run(argv, capture_output=True, check=True)
    return certificate, key


@pytest.fixture
def port(authority: tuple[Path, Path]) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Api)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield int(server.server_address[1])
    server.shutdown()
    serving.join()
    server.server_close()


def client(tmp_path: Path, url: str, certificate: Path) -> ControlPlaneClient:
    token = tmp_path / "token"
    token.write_text("secret\n")
    return ControlPlaneClient(url, token, certificate, address="127.0.0.1")


def test_an_address_stands_in_for_the_name_of_the_url(
    tmp_path: Path, authority: tuple[Path, Path], port: int
) -> None:
    api = client(tmp_path, f"https://{NAME}:{port}", authority[0])
    assert api.read_clock("host-1") == f"{NAME}:{port}"


def test_the_certificate_must_be_that_of_the_name(
    tmp_path: Path, authority: tuple[Path, Path], port: int
) -> None:
    api = client(tmp_path, f"https://another.invalid:{port}", authority[0])
    with pytest.raises(ControlPlaneAway, match=r"certificate is not valid for .another\.invalid."):
        api.read_clock("host-1")
