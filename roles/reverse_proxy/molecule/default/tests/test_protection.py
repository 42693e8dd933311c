"""What strangers cannot do: lie about themselves, flood, downgrade, read the logs for secrets."""

import json
import re
import subprocess

import pytest
from testinfra.host import Host

from tests.molecule.https import Site
from tests.molecule.outside import converge, outside, words

FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Port": "1",
    "X-Request-ID": "forged",
    "Forwarded": "for=203.0.113.9",
    "X-Original-URL": "/admin",
    "Proxy": "http://evil.test",
}


def test_what_a_client_says_about_itself_does_not_arrive(proxy: Site) -> None:
    answer = proxy.ask(
        "https://limen.test/",
        *(part for name, value in FORGED.items() for part in ("--header", f"{name}: {value}")),
    )
    arrived: dict[str, list[str]] = {}
    for name, value in answer.json["headers"]:
        arrived.setdefault(name.lower(), []).append(value)
    source = outside("ip", "-json", "route", "get", proxy.address).stdout
    client = json.loads(source)[0]["prefsrc"]
    assert arrived["x-forwarded-for"] == arrived["x-real-ip"] == [client]
    assert arrived["x-forwarded-proto"] == ["https"]
    assert arrived["x-forwarded-host"] == arrived["host"] == ["limen.test"]
    assert arrived["x-forwarded-port"] == ["443"]
    assert not set(arrived) & {"forwarded", "x-original-url", "proxy"}
    assert re.fullmatch("[0-9a-f]{32}", arrived["x-request-id"][0])
    assert answer.headers["x-request-id"] == arrived["x-request-id"]


def test_security_headers_stand_on_every_answer_once(proxy: Site) -> None:
    for answer in (proxy.ask("https://limen.test/"), proxy.ask("https://limen.test/metrics")):
        assert answer.headers["strict-transport-security"] == ["max-age=31536000"]
        assert answer.headers["x-content-type-options"] == ["nosniff"]
        assert answer.headers["x-frame-options"] == ["DENY"]
        assert answer.headers["referrer-policy"] == ["no-referrer"]
        assert "default-src 'self'" in answer.headers["content-security-policy"][0]
        assert answer.headers["server"] == ["nginx"]
        assert "x-powered-by" not in answer.headers


def handshake(proxy: Site, *options: str) -> subprocess.CompletedProcess[bytes]:
    target = f"{proxy.address}:443"
    return outside("openssl", "s_client", "-connect", target, "-servername", "limen.test", *options)


@pytest.mark.parametrize(
    ("version", "accepted"), [("1", False), ("1_1", False), ("1_2", True), ("1_3", True)]
)
def test_old_tls_is_refused(proxy: Site, version: str, accepted: bool) -> None:
    done = handshake(proxy, f"-tls{version}", "-cipher", "DEFAULT@SECLEVEL=0")
    assert (b"-----BEGIN CERTIFICATE-----" in done.stdout) == accepted
    assert accepted or b"alert protocol version" in done.stderr


def test_weak_ciphers_are_refused(proxy: Site) -> None:
    done = handshake(proxy, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA")
    assert b"handshake failure" in done.stderr


def test_a_body_over_the_limit_is_refused(proxy: Site) -> None:
    fits = proxy.ask("https://limen.test/", "--data", "x" * 16384)
    assert (fits.status, fits.json["bytes"]) == (200, 16384)
    refused = proxy.ask("https://limen.test/?token=geheim", "--data", "x" * 16385)
    assert (refused.status, refused.json["status"], refused.json["code"]) == (413, 413, "too_large")


def test_a_burst_is_limited_with_a_word_when_to_come_back(proxy: Site) -> None:
    done = proxy.curl(
        "https://strict.test/?token=geheim&n=[1-30]", "--output", "/dev/null", "--write-out", "%{http_code} "
    )
    statuses = done.stdout.decode().split()
    assert statuses.count("200") >= 6
    assert statuses.count("429") >= 15
    assert set(statuses) == {"200", "429"}
    refused = proxy.ask("https://strict.test/?token=geheim")
    assert (refused.status, refused.json["code"], refused.headers["retry-after"]) == (
        429,
        "too_many_requests",
        ["1"],
    )


def test_an_error_of_the_upstream_passes_as_it_is(proxy: Site) -> None:
    answer = proxy.ask("https://limen.test/busy")
    assert (answer.status, answer.json["path"]) == (503, "/busy")


def test_the_log_is_json_with_the_requests_id_and_without_secrets(proxy: Site, host: Host) -> None:
    answer = proxy.ask(
        "https://limen.test/api/log%22me?token=geheim",
        "--header",
        "Authorization: Bearer geheim",
        "--header",
        "Cookie: geheim",
        "--header",
        "Referer: https://x/?geheim",
    )
    lines = [json.loads(line) for line in host.file("/var/log/nginx/access.log").content_string.splitlines()]
    (line,) = [line for line in lines if line["request_id"] == answer.headers["x-request-id"][0]]
    assert (line["path"], line["status"], line["host"]) == ('/api/log"me', "200", "limen.test")
    # Refused and failed requests of the other tests had the same word in their query.
    for name in ("forged.test", "strict.test"):
        proxy.ask(f"https://{name}/?token=geheim")
    assert host.run("grep --recursive geheim /var/log/nginx").stdout == ""
    assert host.run("journalctl --unit=nginx | grep geheim").stdout == ""


def test_private_keys_are_roots_alone(host: Host) -> None:
    assert host.file("/etc/nginx/tls").mode == 0o700
    assert host.file("/etc/nginx/tls/self-signed.key").mode == 0o600
    assert host.file("/etc/nginx/tls/given.test.pem").mode == 0o600


@pytest.mark.timeout(1500)
def test_a_certificate_that_ends_soon_is_made_anew(host: Host, proxy: Site) -> None:
    ends_in_month = "openssl x509 -checkend 2592000 -noout -in /etc/nginx/tls/self-signed.pem"
    assert host.run(ends_in_month).rc == 0
    host.check_output(
        "cd /etc/nginx/tls && openssl x509 -in self-signed.pem -signkey self-signed.key -days 5 -out soon.pem"
        " && mv soon.pem self-signed.pem && nginx -s reload"
    )
    assert host.run(ends_in_month).rc == 1
    done = converge("reverse_proxy", "configure")
    assert done.returncode == 0, done.stdout
    assert host.run(ends_in_month).rc == 0
    proxy.authority.write_text(host.file("/etc/nginx/tls/self-signed.pem").content_string)
    assert proxy.ask("https://limen.test/").status == 200


@pytest.mark.timeout(1500)
def test_what_nginx_does_not_like_never_replaces_what_runs(host: Host, proxy: Site) -> None:
    before = host.file("/etc/nginx/nginx.conf").content_string
    sites = [{"name": "limen.test", "upstream": "http://nowhere.invalid:80"}]
    done = converge("reverse_proxy", "configure", tried_sites=sites)
    assert done.returncode != 0
    assert "host not found in upstream" in words(done)
    assert host.file("/etc/nginx/nginx.conf").content_string == before
    assert proxy.ask("https://limen.test/").status == 200
    # The certificate was already made for the names of the sites that were refused: the next run mends that.
    done = converge("reverse_proxy", "configure")
    assert done.returncode == 0, done.stdout
    proxy.authority.write_text(host.file("/etc/nginx/tls/self-signed.pem").content_string)
    assert proxy.ask("https://limen.test/").status == 200


@pytest.mark.timeout(1500)
def test_what_a_killed_run_wrote_is_put_into_force_by_the_next(host: Host) -> None:
    workers = "pgrep --parent $(cat /run/nginx.pid)"
    before = host.check_output(workers)
    # As of a run that ended between the file and the reload.
    host.check_output("touch /etc/nginx/nginx.conf")
    done = converge("reverse_proxy", "configure")
    assert done.returncode == 0, done.stdout
    assert host.check_output(workers) != before
