"""A PostgreSQL 15 cluster of its own: loopback and a socket in its folder, SCRAM, fsync on."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab import processes
from tests.lab.errors import LabError

BIN = Path("/usr/lib/postgresql/15/bin")
OWNER = "postgres"
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
password_encryption = scram-sha-256
max_connections = 200
shared_buffers = 128MB
logging_collector = off
"""
HBA = """
local all postgres peer
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


def free_port() -> int:
    """A loopback port that nothing listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class Cluster:
    """One cluster below `folder`, which the user postgres owns and can reach.

    Database and login are both called `limen`; the login may make roles, as the migrations need, and no more.
    """

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url_file(self) -> Path:
        """File, readable by its owner alone, that holds the URL with the password."""
        return self.folder / "url"

    @property
    def url(self) -> str:
        return self.url_file.read_text().strip()

    def as_owner(self, *argv: str, stdin: str = "") -> str:
        """Run a program as the user postgres; raises LabError with its words."""
        done = subprocess.run(
            ["runuser", "-u", OWNER, "--", *argv], input=stdin, capture_output=True, text=True, cwd="/", check=False
        )
        if done.returncode != 0:
            raise LabError(f"{argv[0]}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def process(self) -> processes.Process | None:
        """The postmaster, if it runs."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
            return None
        return processes.identify(pid) if str(self.data) in line else None

    def create(self) -> None:
        """Make the cluster's files, whole or not at all."""
        if self.data.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        user = pwd.getpwnam(OWNER)
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        draft = self.folder / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        self.as_owner(
            *(str(BIN / "initdb"), "--pgdata", str(draft), "--encoding", "UTF8", "--locale", "C.UTF-8"),
            *("--auth", "peer", "--username", "postgres"),
        )
        with (draft / "postgresql.conf").open("a") as conf:
            conf.write(SETTINGS.format(port=free_port(), folder=self.folder))
        (draft / "pg_hba.conf").write_text(HBA)
        draft.rename(self.data)

    def port(self) -> int:
        """The loopback port, from the configuration."""
        lines = (self.data / "postgresql.conf").read_text().splitlines()
        return int(next(line.split("=")[1] for line in reversed(lines) if line.startswith("port =")))

    def psql(self, sql: str) -> str:
        """Run SQL as the superuser over the socket (never on a command line: it may hold a password)."""
        return self.as_owner(
            *(str(BIN / "psql"), "--host", str(self.folder), "--port", str(self.port()), "--no-psqlrc", "--quiet"),
            *("--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"),
            stdin=sql,
        )

    def ensure_login(self) -> None:
        """Make the login and the database `limen`, and the URL file; a half-made one is completed."""
        if not self.url_file.exists():
            password = secrets.token_urlsafe(24)
            draft = self.url_file.with_suffix(".draft")
            draft.touch(mode=0o600)
            draft.write_text(f"postgresql://limen:{password}@127.0.0.1:{self.port()}/limen\n")
            if not self.psql("SELECT 1 FROM pg_roles WHERE rolname = 'limen'").strip():
                self.psql("CREATE ROLE limen LOGIN CREATEROLE")
            self.psql(f"ALTER ROLE limen PASSWORD '{password}'")
            if not self.psql("SELECT 1 FROM pg_database WHERE datname = 'limen'").strip():
                self.psql("CREATE DATABASE limen OWNER limen")
            draft.rename(self.url_file)

    def up(self) -> bool:
        """Start the cluster, making it first; returns whether it had to be started."""
        self.create()
        started = self.process() is None
        if started:
            self.as_owner(
                *(str(BIN / "pg_ctl"), "start", "--wait", "--silent", "--pgdata", str(self.data)),
                *("--log", str(self.folder / "log")),
            )
        self.ensure_login()
        return started

    def down(self) -> None:
        """Stop the cluster at once, without losing anything that was committed."""
        if self.process() is not None:
            self.as_owner(str(BIN / "pg_ctl"), "stop", "--wait", "--silent", "--mode", "fast", "--pgdata", str(self.data))
