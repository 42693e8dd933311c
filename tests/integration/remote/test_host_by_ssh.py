"""A host of one's own: `qemu+ssh://` to an SSH server, for authority, provider and libvirt plugin alike."""

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from limen.client import ApiError
from limen.hypervisor.connection import connect
from limen.hypervisor.errors import HypervisorUnavailable
from tests.lab.demo import hypervisor
from tests.lab.demo.shell import StepFailed
from tests.lab.sshd import PORT, SshServer
from tests.world import guests
from tests.world.agreement import agree
from tests.world.stack import Outcome, Stack
from tests.world.world import World

_numbers = itertools.count(1)


@pytest.fixture
def stack(remote: World) -> Iterator[Stack]:
    """A stack of the test's own; afterwards nothing of it is left on the host."""
    made = remote.stack(f"r{next(_numbers)}")
    yield made
    if made.resources():
        made.destroy().require()
    agree(remote, preview=False)
    assert remote.claims() == []


def words(outcome: Outcome) -> str:
    return " ".join(outcome.output.split())


def test_a_stack_comes_up_changes_and_goes_over_ssh(remote: World, stack: Stack) -> None:
    assert remote.uri.startswith("qemu+ssh://root@")
    document = remote.document({"web-1": guests.vm(), "web-2": guests.vm()})
    stack.configure(document)
    stack.up().require()
    assert {domain.state for domain in remote.domains().values()} == {"running"}
    agree(remote, stack)

    del document["vms"]["web-2"]
    stack.configure(document)
    stack.up().require()
    assert list(remote.domains()) == [f"{stack.name}-web-1"]
    agree(remote, stack)

    stack.destroy().require()
    assert remote.domains() == {}
    assert remote.usage() == {}


def test_ssh_goes_through_the_host_to_addresses_that_only_it_reaches(
    remote: World, stack: Stack, elsewhere: SshServer
) -> None:
    """The gateway of the guests' network stands for a guest: nothing outside the host knows a way there."""
    stack.configure(remote.document({}, networks={"lan": {"mode": "nat", "cidr": "10.91.0.0/24"}}))
    stack.up().require()
    config = elsewhere.folder / "config"
    config.write_text(hypervisor.ssh_config(remote.uri, elsewhere.user_key, "root"))
    command = ["ssh", "-F", str(config), "-o", "BatchMode=yes", "-p", str(PORT), "10.91.0.1"]
    try:
        listen = ["ip", "-n", elsewhere.lab.namespace, "-o", "address", "show"]
        assert "10.91.0.1/24" in subprocess.check_output(listen, text=True)
        done = subprocess.run([*command, "echo $SSH_CONNECTION"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[2] == "10.91.0.1"
    finally:
        config.unlink()


def test_a_host_that_is_away_is_one_sentence_and_its_charges_stay(
    remote: World, stack: Stack, elsewhere: SshServer
) -> None:
    stack.configure(remote.document({"web": guests.vm()}))
    stack.up().require()
    charged = remote.usage()
    elsewhere.down()
    try:
        outcome = stack.preview()
        assert outcome.code != 0
        assert "is not available" in words(outcome)
        assert "Does an SSH server run there, on that port?" in words(outcome)
        assert "Traceback" not in outcome.output
        with pytest.raises(ApiError, match="Does an SSH server run there"):
            remote.client.scan_host(remote.host)
        assert remote.usage() == charged
    finally:
        elsewhere.up()
    assert remote.client.scan_host(remote.host)["reachable"]
    stack.preview("--expect-no-changes").require()


def test_a_host_whose_key_nobody_knows_is_not_talked_to(
    remote: World, known_to_nobody: Path, elsewhere: SshServer
) -> None:
    with pytest.raises(HypervisorUnavailable, match="accept the host's key"):
        connect(remote.uri)
    with pytest.raises(StepFailed, match="accept the host's key"):
        hypervisor.check(remote.uri)
    known_to_nobody.write_text(elsewhere.known_hosts.read_text())
    hypervisor.check(remote.uri)


def test_a_key_that_the_host_does_not_know_is_named(remote: World, tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    uri = remote.uri.replace(
        f"keyfile={remote.uri.partition('keyfile=')[2].partition('&')[0]}", f"keyfile={key}"
    )
    with pytest.raises(HypervisorUnavailable, match=r"name another private key: `\?keyfile=FILE`"):
        connect(uri)


def test_a_host_without_a_libvirtd_is_told_apart(remote: World) -> None:
    with pytest.raises(HypervisorUnavailable, match="Does libvirtd run there"):
        connect(f"{remote.uri}&socket=/nowhere")


def test_a_host_without_the_pool_is_refused_before_anything_is_made(remote: World) -> None:
    definition = remote.layout.dot / "pool.xml"
    definition.write_text(remote.virsh("pool-dumpxml", "default"))
    try:
        remote.virsh("pool-destroy", "default")
        with pytest.raises(StepFailed, match="is not active: `virsh pool-start default`"):
            hypervisor.check(remote.uri)
        remote.virsh("pool-undefine", "default")
        with pytest.raises(StepFailed, match="has no storage pool `default`"):
            hypervisor.check(remote.uri)
    finally:
        remote.virsh("pool-define", str(definition))
        remote.virsh("pool-start", "default")
        remote.virsh("pool-autostart", "default")
    hypervisor.check(remote.uri)


def test_an_image_that_is_not_what_it_is_said_to_be_makes_no_vm(remote: World, stack: Stack) -> None:
    document = remote.document({"web": guests.vm()})
    document["images"]["idle"]["sha256"] = "ab" * 32
    stack.configure(document)
    outcome = stack.up()
    assert outcome.code != 0
    assert f"The image {remote.image} has the SHA-256" in words(outcome)
    document["images"]["idle"] = {"source": "/nowhere.qcow2", "sha256": "ab" * 32}
    stack.configure(document)
    outcome = stack.preview()
    assert outcome.code != 0
    assert "There is no file /nowhere.qcow2 on this machine." in words(outcome)
    assert remote.domains() == {}
