"""Who gets what: names, upstreams, WebSockets, paths that are not public."""

import sys

from testinfra.host import Host

from tests.molecule.https import Site
from tests.molecule.outside import outside

WEBSOCKET = """
import base64, os, socket, ssl, sys
address, name, authority = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
raw = socket.create_connection((address, 443), timeout=60)
with context.wrap_socket(raw, server_hostname=name) as line:
    key = base64.b64encode(os.urandom(16)).decode()
    line.sendall((
        f"GET /console HTTP/1.1\\r\\nHost: {name}\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
        f"Sec-WebSocket-Key: {key}\\r\\nSec-WebSocket-Version: 13\\r\\n\\r\\n"
    ).encode())
    stream = line.makefile("rb")
    status = stream.readline().decode()
    while stream.readline().strip():
        pass
    print(status.split()[1])
    if " 101 " in status:
        mask, text = os.urandom(4), b"over and out"
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))
        line.sendall(bytes([0x81, 0x80 | len(text)]) + mask + masked)
        print(stream.read(2 + len(text))[2:].decode())
"""


def websocket(proxy: Site, name: str) -> list[str]:
    done = outside(sys.executable, "-c", WEBSOCKET, proxy.address, name, str(proxy.authority))
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


def test_http_is_redirected_with_method_and_query_kept(proxy: Site) -> None:
    answer = proxy.ask("http://limen.test/api/claims?page=2", "--request", "POST", "--data", "x")
    assert answer.status == 308
    assert answer.headers["location"] == ["https://limen.test/api/claims?page=2"]


def test_a_site_is_served_by_its_name_with_the_certificate_that_clients_can_trust(proxy: Site) -> None:
    answer = proxy.ask("https://limen.test/api/whoami?a=1")
    assert (answer.status, answer.json["path"], answer.json["port"]) == (200, "/api/whoami?a=1", 18443)


def test_the_given_certificate_and_the_tls_upstream(proxy: Site, host: Host) -> None:
    given = proxy.authority.with_name("given.pem")
    given.write_text(host.file("/opt/echo/given.pem").content_string)
    answer = Site(proxy.address, given).ask("https://any.given.test/")
    assert (answer.status, answer.json["port"]) == (200, 18444)


def test_an_upstream_with_another_name_in_its_certificate_gets_nothing(proxy: Site) -> None:
    answer = proxy.ask("https://forged.test/?token=geheim")
    assert answer.status == 502
    assert answer.headers["content-type"] == ["application/problem+json"]
    assert answer.json["code"] == "unavailable"


def test_agent_paths_go_to_the_control_plane(proxy: Site) -> None:
    answer = proxy.ask("https://limen.test/agent/v1/domains")
    assert (answer.json["port"], answer.json["path"]) == (18443, "/agent/v1/domains")


def test_an_undeclared_name_gets_no_certificate(proxy: Site) -> None:
    done = proxy.curl("https://other.test/", "--insecure")
    assert done.returncode == 35
    assert b"unrecognized name" in done.stderr


def test_an_undeclared_host_header_is_refused(proxy: Site) -> None:
    for scheme in ("http", "https"):
        answer = proxy.ask(f"{scheme}://limen.test/", "--header", "Host: other.test")
        assert (answer.status, answer.json["code"]) == (421, "unknown_host")


def test_websockets_pass_where_declared_and_only_there(proxy: Site) -> None:
    assert websocket(proxy, "limen.test") == ["101", "over and out"]
    assert websocket(proxy, "strict.test") == ["200"]


def test_other_upgrades_do_not_reach_the_upstream(proxy: Site) -> None:
    answer = proxy.ask(
        "https://limen.test/",
        "--http1.1",
        "--header",
        "Upgrade: h2c",
        "--header",
        "Connection: Upgrade, HTTP2-Settings",
    )
    names = {name.lower() for name, _ in answer.json["headers"]}
    assert not names & {"upgrade", "connection"}


def test_private_paths_are_closed_however_they_are_spelled(proxy: Site) -> None:
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/api/../metrics"):
        answer = proxy.ask(f"https://limen.test{path}", "--path-as-is")
        assert (path, answer.status) == (path, 403)
    assert proxy.ask("https://limen.test/metricsystem").status == 200
