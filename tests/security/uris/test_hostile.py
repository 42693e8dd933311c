"""No hostile spelling of a host's URI gets past any door, and libvirt, virsh and ssh never hear of one."""

import ast
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvirt
import pulumi
import pytest
from ansible_collections.limen.platform.plugins.module_utils import host_uri as of_the_collection
from ansible_collections.limen.platform.plugins.module_utils import inventory_libvirt, libvirt_host
from ansible_collections.limen.platform.plugins.module_utils.errors import LimenError as CollectionError
from ansible_collections.limen.platform.plugins.module_utils.inventory_ssh import read_hypervisors
from pydantic import ValidationError

from limen import host_uri
from limen.agent.settings import resolve_uri
from limen.api.schemas.hosts import NewHost
from limen.commands import hosts, virtual_machines
from limen.hypervisor.connection import connect
from limen.quota.errors import LimenError
from limen.ssh_route import proxy_command
from limen_provider.hosts import Hosts
from pulumi_limen import environment
from pulumi_limen.spec.problems import Problems
from tests.security.uris.table import FROM_CALLERS, HOSTILE

ROOT = Path(__file__).parents[3]


class Alarm(AssertionError):
    """Somebody passed a hostile URI on."""


@pytest.fixture(autouse=True)
def nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*arguments: Any, **_named: Any) -> Any:
        raise Alarm(arguments)

    for name in ("open", "openReadOnly", "openAuth"):
        monkeypatch.setattr(libvirt, name, called)
    monkeypatch.setattr(os, "execvp", called)


class _Api:
    """A limen-api that tells its administrators an evil URI."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def get_host(self, _host: str) -> dict[str, str]:
        return {"uri": self.uri}


def _module(uri: str) -> None:
    libvirt_host.connect(uri)


def _inventory(uri: str) -> None:
    inventory_libvirt.open_connection(uri, writable=False)


def _stack(uri: str) -> None:
    problems = Problems()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pulumi, "Config", lambda _name: {"uri": uri})
        patched.delenv("LIBVIRT_DEFAULT_URI", raising=False)
        patched.delenv(environment.PREVIEW_ONLY, raising=False)
        environment.libvirt_uri(problems)
    if problems.found:
        raise host_uri.InvalidUri(problems.found[0].message)


DOORS: dict[str, Callable[[str], object]] = {
    "limen.hypervisor, for limen-api, agent and command": connect,
    "the same, from limen-api's database": lambda uri: connect(uri, readonly=True),
    "provider": lambda uri: Hosts().connection(uri),
    "stack": _stack,
    "agent's options": resolve_uri,
    "ssh to a host's guests": proxy_command,
    "modules": _module,
    "inventory": _inventory,
    "inventory's file": lambda uri: read_hypervisors([{"uri": uri}], {}),
    "limen vm console, from limen-api": lambda uri: virtual_machines._uri(_Api(uri), "h", None),  # type: ignore[arg-type]
    "limen host add": hosts.add,
}


@pytest.mark.parametrize("uri", HOSTILE, ids=ascii)
def test_no_door_takes_it_and_each_says_why_in_one_sentence(uri: str) -> None:
    for door, enter in DOORS.items():
        if door == "inventory's file" and uri.strip() != uri:
            continue  # YAML's blanks around a value are nobody's attack
        with pytest.raises((LimenError, CollectionError)) as refused:
            enter(uri)
        said = str(refused.value)
        assert said.isprintable(), door
        assert said.endswith("."), door
        assert len(said) < 500, door
        assert "secret" not in said, f"{door} shows a password"


@pytest.mark.parametrize("uri", [*HOSTILE, *FROM_CALLERS], ids=ascii)
def test_no_caller_has_limen_api_open_it(uri: str) -> None:
    with pytest.raises(ValidationError) as refused:
        NewHost(uri=uri)
    assert "secret" not in refused.value.errors()[0]["msg"]
    with pytest.raises(host_uri.InvalidUri):
        host_uri.parse_shared(uri)


def test_the_table_is_long_enough() -> None:
    assert len(HOSTILE) > 150


def test_the_collection_reads_as_limen_does() -> None:
    """It imports nothing of limen, so it has the same lines."""

    def body(module: Any) -> str:
        text = Path(module.__file__).read_text(encoding="utf-8")
        return text[text.index('"""') :].replace(
            "ansible_collections.limen.platform.plugins.module_utils.errors", "limen.quota.errors"
        )

    assert body(of_the_collection) == body(host_uri)


def test_libvirt_is_opened_where_uris_are_read_and_nowhere_else() -> None:
    opening = {"open", "openReadOnly", "openAuth"}
    found = set()
    for folder in ("agent", "pulumi", "collections", "roles"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if "tests" in path.parts or "molecule" in path.parts:
                continue
            found |= {
                str(path.relative_to(ROOT))
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute)
                and node.attr in opening
                and isinstance(node.value, ast.Name)
                and node.value.id == "libvirt"
            }
    utils = "collections/ansible_collections/limen/platform/plugins/module_utils"
    assert found == {
        "agent/limen/hypervisor/connection.py",
        f"{utils}/libvirt_host.py",
        f"{utils}/inventory_libvirt.py",
    }
