"""Beyond loopback the agent serves with a token and TLS, or not at all."""

import ssl
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.world.serving import COMMAND, serving


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    key, certificate, token = tmp_path / "key", tmp_path / "certificate", tmp_path / "token"
    argv = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, capture_output=True, check=True)
    token.write_text("secret\n")
    return ["--token-file", str(token), "--tls-certificate", str(certificate), "--tls-key", str(key)]


@pytest.mark.parametrize("left_out", [0, 2])
def test_refused_without_token_or_tls(options: list[str], left_out: int) -> None:
    given = options[2:] if left_out == 0 else options[:2]

    done = subprocess.run(
        [COMMAND, "--listen", "0.0.0.0:0", *given], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "is not a loopback address" in done.stderr


def test_served_with_both(options: list[str], tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--libvirt-uri", "none", "--listen", "0.0.0.0:0", *options) as agent:
        port = agent.address.rpartition(":")[2]
        trusted = ssl.create_default_context(cafile=options[3])

        def status(path: str, token: str) -> int:
            request = Request(f"https://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"})
            try:
                with urlopen(request, timeout=30, context=trusted) as answer:  # noqa: S310  https, as written
                    return int(answer.status)
            except HTTPError as refused:
                with refused:
                    return refused.code

        assert status("/metrics", "secret") == 200
        assert status("/metrics", "guess") == 401
        assert status("/healthz", "guess") == 200
        assert "secret" not in agent.log.read_text()
