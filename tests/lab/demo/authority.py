"""The authority of the main job: database, tokens, limen-api on loopback, the host, project and limits.

Each step asks first whether its work is done, so that a run that was killed is completed by the next one.
"""

import json
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.demo.layout import ROOT, Layout
from tests.lab.demo.shell import StepFailed, capture
from tests.lab.postgres import free_port
from tests.lab.service import Service

PROJECT = "demo"
# What is shipped just fits: VMs of 1 GiB and 512 MiB, one vCPU each, their disks, a data disk, one network.
LIMITS = {"vms": "2", "vcpus": "2", "memory": "1536MiB", "disk": "17GiB", "networks": "1"}
ADMINISTRATOR = "administrator"
OPERATOR = "developer"
OPERATOR_SCOPES = ("quota:check", "quota:read", "claims:write")
TOKEN_TTL = "12h"
RENEW_AFTER = 6 * 3600
# What limen-api runs: its code with the migrations, and the libraries.
SOURCES = (ROOT / "agent" / "limen", ROOT / "constraints.txt")


@dataclass(frozen=True)
class Authority:
    """limen-api of one layout, with the database that the file holds the URL of."""

    layout: Layout
    database_url_file: Path

    @property
    def port(self) -> int:
        """The loopback port, kept once chosen."""
        kept = self.layout.dot / "api-port"
        if not kept.exists():
            kept.write_text(f"{free_port()}\n")
        return int(kept.read_text())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def service(self) -> Service:
        argv = (str(self.layout.venv_bin / "limen-api"), "--listen", f"127.0.0.1:{self.port}")
        return Service("limen-api", self.layout.dot / "api", argv, f"{self.url}/readyz", SOURCES)

    @property
    def database_env(self) -> dict[str, str]:
        """For migrations and the first administrator only: who holds it can write the ledger."""
        return {"LIMEN_DATABASE_URL_FILE": str(self.database_url_file)}

    def client_env(self, token_file: Path) -> dict[str, str]:
        """What a client of the API needs."""
        return {"LIMEN_API_URL": self.url, "LIMEN_TOKEN_FILE": str(token_file)}

    def limen(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run `limen`, as the administrator unless `env` says otherwise; raises StepFailed with its words."""
        chosen = self.client_env(self.layout.administrator_token) if env is None else env
        return capture([str(self.layout.venv_bin / "limen"), *arguments], chosen)

    def works(self, token_file: Path) -> bool:
        """Whether the API takes the token in this file."""
        if not token_file.exists() or time.time() - token_file.stat().st_mtime > RENEW_AFTER:
            return False
        try:
            self.limen("whoami", env=self.client_env(token_file))
        except StepFailed:
            return False
        return True

    def up(self) -> list[str]:
        """Migrate, start the API, issue tokens; returns what had to be done."""
        done = []
        migration = json.loads(self.limen("db", "migrate", "--json", env=self.database_env))
        if migration["before"] != migration["current"]:
            done.append("migrated the database")
        ran = self.service.process() is not None
        if self.service.up(self.database_env):
            why = ": its code has changed, or it did not answer" if ran else ""
            done.append(f"{'restarted' if ran else 'started'} limen-api on {self.url}{why}")
        if not self.works(self.layout.administrator_token):
            self.limen(
                "user", "create", ADMINISTRATOR, "--administrator", "--if-missing", env=self.database_env
            )
            self.issue(ADMINISTRATOR, ("admin",), self.layout.administrator_token, env=self.database_env)
            done.append("issued the administrator's token")
        return done

    def issue(
        self, user: str, scopes: tuple[str, ...], file: Path, env: Mapping[str, str] | None = None
    ) -> None:
        """Issue a short-lived token into a file that only its owner reads."""
        wanted = ["--scope", ",".join(scopes), "--ttl", TOKEN_TTL, "--output", str(file)]
        self.limen("token", "create", user, *wanted, env=env)

    def ensure_project(self, project: str = PROJECT, limits: Mapping[str, str] | None = None) -> list[str]:
        """Make a project with limits, unless it has some: limits that somebody changed stay as they are."""
        self.limen("project", "create", project, "--if-missing")
        quota = json.loads(self.limen("quota", "show", project, "--json"))
        if any(each["hard"] is not None for each in quota["resources"]):
            return []
        pairs = [
            f"{resource}={amount}" for resource, amount in (LIMITS if limits is None else limits).items()
        ]
        self.limen("quota", "set", project, *pairs)
        return [f"gave project {project} the limits {' '.join(pairs)}"]

    def ensure_operator(self, project: str = PROJECT) -> list[str]:
        """The user for whom `pulumi up` runs: operator of the project, and no more."""
        if self.works(self.layout.operator_token):
            return []
        self.limen("user", "create", OPERATOR, "--if-missing")
        self.limen("project", "member", project, OPERATOR, "operator")
        self.issue(OPERATOR, OPERATOR_SCOPES, self.layout.operator_token)
        return [f"issued a token for {OPERATOR}, operator of {project}"]

    def ensure_host(self, uri: str, overcommit: Mapping[str, str] | None = None) -> list[str]:
        """Register the hypervisor with the authority; `overcommit` is ratios by resource."""
        if any(host["uri"] == uri for host in json.loads(self.limen("host", "list", "--json"))):
            return []
        ratios = [f"--overcommit={resource}={ratio}" for resource, ratio in (overcommit or {}).items()]
        self.limen("host", "add", uri, *ratios)
        return [f"registered host {uri}"]

    def down(self) -> None:
        """Stop limen-api."""
        self.service.down()


def new_secret(path: Path) -> None:
    """Write a fresh secret to a file that only its owner reads, unless it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32) + "\n")
        os.replace(draft, path)
