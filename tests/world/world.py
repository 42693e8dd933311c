"""A whole Limen of a test's own: lab, authority, project `demo`, and Pulumi stacks on them.

Everything stands below the lab's state folder and goes with it; nothing else on the machine is touched.
"""

import contextlib
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limen.client import Client
from limen.hypervisor import observe
from limen.hypervisor.connection import connect
from limen.hypervisor.model import DomainSeen, HostObservation
from tests.lab import libvirtd
from tests.lab.demo import program
from tests.lab.demo.authority import OPERATOR, OPERATOR_SCOPES, Authority, new_secret
from tests.lab.demo.layout import Layout
from tests.lab.instance import instance
from tests.lab.lab import Lab
from tests.lab.sshd import SshServer
from tests.world import guests
from tests.world.stack import Outcome, Stack

PROJECT = "demo"
LIMITS = {"vms": "4", "vcpus": "4", "memory": "256MiB", "disk": "64MiB", "networks": "4"}
# The machine that runs the tests may be smaller than what the projects may use.
OVERCOMMIT = {"vcpus": "64", "memory": "16", "disk": "16"}
TOKEN_SECONDS = 12 * 3600
MARK = "LIMEN_WORLD"


@dataclass(frozen=True)
class World:
    """One running world. `client` (an administrator's) is for looking, not for doing.

    `host` is the host's UUID, `uri` how everybody reaches it.
    """

    layout: Layout
    lab: Lab
    authority: Authority
    client: Client
    host: str
    uri: str

    @property
    def image(self) -> Path:
        """The image of guests that halt at once."""
        return self.layout.dot / "idle.qcow2"

    @property
    def environment(self) -> dict[str, str]:
        """What `pulumi` and `limen` run with: the operator's token, nothing of who runs the tests."""
        foreign = ("LIMEN_", "PULUMI_", "LIBVIRT_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **own,
            **program.pulumi_variables(self.layout),
            **self.authority.client_env(self.layout.operator_token),
            "PATH": f"{program.path_value(self.layout)}:{os.environ['PATH']}",
            "LIMEN_LIBVIRT_URI": self.uri,
            "LIBVIRT_DEFAULT_URI": self.uri,
            "LIMEN_DOMAIN_TYPE": "qemu",
            MARK: self.layout.name,
        }

    def stack(self, name: str, program_folder: Path = program.PROGRAM) -> Stack:
        """A new stack of that program."""
        folder = self.layout.dot / "programs" / name
        return Stack(name, program_folder, folder, self.environment)

    def document(
        self, vms: Mapping[str, Mapping[str, Any]], number: int = 60, **sections: Any
    ) -> dict[str, Any]:
        """A specification of idle guests, see `guests.document`."""
        return guests.document(self.image, vms, number, **sections)

    def operator(self) -> Client:
        """A client with the operator's token; close it."""
        return Client(self.authority.url, self.layout.operator_token.read_text().strip())

    def project(self, name: str, limits: Mapping[str, str]) -> None:
        """Make a project with limits, its operator the one for whom `pulumi` runs."""
        self.client.create_project(name)
        self.client.set_limits(name, {resource: {"hard": amount} for resource, amount in limits.items()})
        self.client.set_member(name, OPERATOR, "operator")

    def limen(self, *arguments: str) -> Outcome:
        """Run `limen` as the operator."""
        done = subprocess.run(
            ["limen", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
            check=False,
        )
        return Outcome(done.returncode, done.stdout + done.stderr, 0.0)

    def usage(self, project: str = PROJECT) -> dict[str, int]:
        """Resource -> what the project is charged, reservations included; without those that are 0."""
        quota = self.client.get_quota(project)
        held = {each["resource"]: int(each["used"]) + int(each["reserved"]) for each in quota["resources"]}
        return {resource: amount for resource, amount in held.items() if amount}

    def claims(self) -> list[dict[str, Any]]:
        """The claims that hold anything."""
        return [claim for claim in self.client.list_claims() if claim["items"]]

    def seen(self) -> HostObservation:
        """What libvirt holds."""
        with connect(self.uri) as connection:
            return observe.scan(connection)

    def domains(self) -> dict[str, DomainSeen]:
        """The VMs by libvirt's name."""
        return {domain.name: domain for domain in self.seen().domains}

    def virsh(self, *arguments: str) -> str:
        """Standard output of a virsh command that must succeed."""
        done = self._virsh(*arguments)
        assert done.returncode == 0, f"virsh {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What virsh says of a command that fails; nothing if it succeeds."""
        done = self._virsh(*arguments)
        return done.stderr if done.returncode else ""

    def _virsh(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        argv = ["virsh", "--quiet", "--connect", self.uri, *arguments]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


@contextlib.contextmanager
def world(
    name: str | None = None,
    limits: Mapping[str, str] | None = None,
    elsewhere: SshServer | None = None,
    start_hook: Callable[[Lab], str] | None = None,
) -> Iterator[World]:
    """A world of its own while the context lasts; afterwards nothing of it is left.

    `name` is that of its lab, `limits` are those of the project `demo`; the VMs are `elsewhere`, on a host
    that is reached by SSH, or on the lab's own. `start_hook` makes the text of libvirt's qemu hook. Raises
    LabError or StepFailed.
    """
    lab = Lab(instance(name or f"t{secrets.token_hex(3)[:5]}"))
    layout = Layout(dot=lab.instance.state / "world", name=lab.instance.name)
    authority = Authority(layout, lab.cluster.url_file)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(lab.down, purge=True)
        if start_hook is not None:
            libvirtd.install_hook(lab.instance, "qemu", start_hook(lab))
        lab.up(hypervisor=elsewhere is None)
        layout.dot.mkdir(parents=True, exist_ok=True)
        layout.backend.mkdir(exist_ok=True)
        new_secret(layout.passphrase)
        guests.make_image(layout.dot / "idle.qcow2")
        cleanup.callback(authority.down)
        authority.up()
        token = layout.administrator_token.read_text().strip()
        # A scan of a busy host may take longer than a person would wait.
        client = cleanup.enter_context(Client(authority.url, token, timeout=30.0))
        uri = lab.instance.libvirt_uri if elsewhere is None else elsewhere.uri
        host = client.add_host(uri, overcommit=OVERCOMMIT)
        client.create_user(OPERATOR)
        made = World(layout, lab, authority, client, str(host["id"]), uri)
        made.project(PROJECT, LIMITS if limits is None else limits)
        layout.operator_token.touch(mode=0o600)
        layout.operator_token.write_text(
            client.create_token(OPERATOR, OPERATOR_SCOPES, TOKEN_SECONDS)["token"]
        )
        yield made
