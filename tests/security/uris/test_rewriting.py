"""What is meant gets through, and what libvirt is handed is what was written anew."""

from typing import Any
from urllib.parse import quote

import libvirt
import pytest
from ansible_collections.limen.platform.plugins.module_utils import inventory_libvirt, libvirt_host
from hypothesis import given
from hypothesis import strategies as st

from limen.api.schemas.hosts import NewHost
from limen.host_uri import LONGEST, InvalidUri, parse, parse_shared
from limen.hypervisor import connection
from tests.security.uris.table import ALIKE, GOOD, HOSTILE

SHARED = [uri for uri in GOOD if uri.startswith("qemu") and "session" not in uri and "no_verify" not in uri]
HARMLESS = {"keyfile", "knownhosts", "sshauth", "no_tty", "no_verify", "socket", "mode"}


@pytest.mark.parametrize("uri", GOOD)
def test_it_is_written_as_it_was(uri: str) -> None:
    assert parse(uri).text == uri


@pytest.mark.parametrize("uri", SHARED)
def test_a_host_that_is_shared_is_registered_as_it_was_written(uri: str) -> None:
    assert parse_shared(uri).text == uri
    assert NewHost(uri=uri).uri == uri


@pytest.mark.parametrize(("uri", "opened"), ALIKE.items())
def test_every_door_hands_libvirt_what_was_written_anew(
    uri: str, opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: list[str] = []

    def open_(address: str) -> Any:
        handed.append(address)
        raise libvirt.libvirtError("away")

    monkeypatch.setattr(libvirt, "open", open_)
    monkeypatch.setattr(libvirt, "openReadOnly", open_)
    for door in (
        connection.connect,
        lambda uri: connection.connect(uri, readonly=True),
        libvirt_host.connect,
        lambda uri: inventory_libvirt.open_connection(uri, writable=True),
    ):
        with pytest.raises(Exception, match=r"away|not available"):
            door(uri)
    asks_nobody = "&no_tty=1" if "?" in opened else "?no_tty=1"
    assert handed == [*[opened] * 3, opened + asks_nobody * ("+ssh" in opened)]
    assert NewHost(uri=uri).uri == opened


def _spelled(draw: st.DrawFn, text: str) -> str:
    """The text with some letters behind percent signs and some in the other case."""
    how = draw(st.lists(st.sampled_from(["asis", "upper", "hidden"]), min_size=len(text), max_size=len(text)))
    changed = {"asis": str, "upper": str.upper, "hidden": lambda letter: f"%{ord(letter):02x}"}
    return "".join(changed[each](letter) for each, letter in zip(how, text, strict=True))


@st.composite
def uris(draw: st.DrawFn) -> str:
    """Near enough to a URI that many are let in, wild enough that many are not."""
    scheme = draw(st.sampled_from(("qemu", "qemu+unix", "qemu+ssh", "QEMU+ssh", "qemu+ext", "test", "xen")))
    names = st.sampled_from(sorted({*HARMLESS, "command", "netcat", "proxy", "pkipath", "root", "authfile"}))
    values = st.one_of(
        st.sampled_from(("0", "1", "/k", "~/k", "auto", "agent,privkey", "/run/libvirt/libvirt-sock")),
        st.text(max_size=12).map(lambda text: quote("/" + text, safe="", errors="replace")),
        st.text(max_size=12),
    )
    parameters = draw(st.lists(st.tuples(names, values), max_size=3))
    query = "&".join(f"{_spelled(draw, name)}={value}" for name, value in parameters)
    host = draw(st.one_of(st.sampled_from(("", "host", "[::1]", "a.b", "-oX")), st.text(max_size=8)))
    user = draw(st.one_of(st.sampled_from(("", "you@", "a%40b@", "-l@")), st.text(max_size=8)))
    port = draw(st.sampled_from(("", ":22", ":0", ":99999")))
    path = draw(st.sampled_from(("/system", "/session", "/embed", "/default", "/", "/%73ystem")))
    return f"{scheme}://{user}{host}{port}{path}{'?' if query else ''}{query}"


@given(st.one_of(uris(), st.text(), st.sampled_from(HOSTILE), st.sampled_from(GOOD)))
def test_what_is_read_is_written_so_that_it_is_read_alike(uri: str) -> None:
    try:
        found = parse(uri)
    except InvalidUri:
        return
    assert parse(found.text) == found
    assert parse(found.text).text == found.text
    assert {name for name, _ in found.parameters} <= HARMLESS
    assert (found.driver, found.path) in {("qemu", "/system"), ("qemu", "/session"), ("test", found.path)}
    assert found.transport in ("", "unix", "ssh")
    assert len(uri) <= LONGEST
    assert "".join([found.text, found.user, found.host, *dict(found.parameters).values()]).isprintable()
    assert not found.host.startswith("-")
    assert not found.user.startswith("-")
