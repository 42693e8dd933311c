"""A PostgreSQL cluster of its own, of the newest version here: loopback and a socket in its folder, SCRAM.

The server runs in a mount namespace where the folder stands at the place of the packaged clusters: so it may
be below a folder that the user postgres cannot enter, root's home or pytest's.
"""

import os
import pwd
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import ports, processes
from tests.lab.errors import LabError


def newest(versions: Path) -> Path:
    """The folder of programs of the newest version in Debian's folder of all; none that exists if none is."""
    found = [path for path in versions.glob("*/bin") if path.parent.name.isdigit()]
    return max(found, key=lambda path: int(path.parent.name), default=versions / "none/bin")


BIN = newest(Path("/usr/lib/postgresql"))
OWNER = "postgres"
SEEN_AT = "/var/lib/postgresql"
DATA = f"{SEEN_AT}/data"
ENTER = f'mount --bind "$1" {SEEN_AT} && shift && exec runuser -u {OWNER} -- "$@"'
SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{SEEN_AT}'
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
    return ports.free("127.0.0.1")


@dataclass(frozen=True)
class Cluster:
    """One cluster below `folder`, which will belong to the user postgres.

    Database and login are both called `limen`; the login may make roles and databases, and no more.
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
        """Run a program as the user postgres, who sees the folder at SEEN_AT; raises LabError."""
        inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "limen-lab"]
        done = subprocess.run(
            [*inside, str(self.folder), *argv],
            input=stdin,
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            raise LabError(f"{Path(argv[0]).name}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def members(self) -> list[processes.Process]:
        """The postmaster and its children: their working directory is the data folder."""
        return [
            process
            for process in processes.everyone()
            if process.name == "postgres" and processes.same_file(self.data, f"/proc/{process.pid}/cwd")
        ]

    def process(self) -> processes.Process | None:
        """The postmaster, if it runs."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        return next((process for process in self.members() if process.pid == pid), None)

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
            *(str(BIN / "initdb"), "--pgdata", f"{SEEN_AT}/{draft.name}", "--encoding", "UTF8"),
            *("--locale", "C.UTF-8", "--auth", "peer", "--username", "postgres"),
        )
        with (draft / "postgresql.conf").open("a") as conf:
            conf.write(SETTINGS.format(port=free_port(), SEEN_AT=SEEN_AT))
        (draft / "pg_hba.conf").write_text(HBA)
        draft.rename(self.data)

    def port(self) -> int:
        """The loopback port, from the configuration."""
        lines = (self.data / "postgresql.conf").read_text().splitlines()
        return int(next(line.split("=")[1] for line in reversed(lines) if line.startswith("port =")))

    def move_port(self) -> None:
        """Choose another port, for somebody has taken ours while the cluster was down."""
        old, new = self.port(), free_port()
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(f"port = {new}\n")
        if self.url_file.exists():
            self.write_url(self.url.replace(f":{old}/", f":{new}/"))

    def write_url(self, url: str) -> None:
        """Write the URL file, whole and for its owner alone."""
        draft = self.url_file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(f"{url}\n")
        draft.replace(self.url_file)

    def psql(self, sql: str) -> str:
        """Run SQL as the superuser over the socket (never on a command line: it may hold a password)."""
        return self.as_owner(
            *(str(BIN / "psql"), "--host", SEEN_AT, "--port", str(self.port()), "--no-psqlrc", "--quiet"),
            *("--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"),
            stdin=sql,
        )

    def ensure_login(self) -> None:
        """Make the login and the database `limen`, and the URL file; a half-made one is completed."""
        if self.url_file.exists():
            return
        password = secrets.token_urlsafe(24)
        if not self.psql("SELECT 1 FROM pg_roles WHERE rolname = 'limen'").strip():
            self.psql("CREATE ROLE limen LOGIN CREATEROLE CREATEDB")
        self.psql(f"ALTER ROLE limen PASSWORD '{password}'")
        if not self.psql("SELECT 1 FROM pg_database WHERE datname = 'limen'").strip():
            self.psql("CREATE DATABASE limen OWNER limen")
        self.write_url(f"postgresql://limen:{password}@127.0.0.1:{self.port()}/limen")

    def up(self) -> bool:
        """Start the cluster, making it first; returns whether it had to be started. Raises LabError."""
        if not BIN.exists():
            raise LabError("PostgreSQL is missing: run `python3 -m tests.lab packages` as root first")
        self.create()
        started = self.process() is None
        if started:
            # Children of a postmaster that was killed hold its shared memory until they notice.
            processes.stop(self.members(), "a child of a dead postmaster")
            # A zombie, or a stranger that got the number since, would pass for the postmaster.
            for stale in (self.data / "postmaster.pid", *self.folder.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)
            if not ports.is_free("127.0.0.1", self.port()):
                self.move_port()
            self.as_owner(
                *(str(BIN / "pg_ctl"), "start", "--wait", "--silent", "--pgdata", DATA),
                *("--log", f"{SEEN_AT}/log"),
            )
        self.ensure_login()
        return started

    def down(self) -> None:
        """Stop the cluster at once, without losing anything that was committed."""
        if self.process() is not None:
            self.as_owner(
                *(str(BIN / "pg_ctl"), "stop", "--wait", "--silent", "--mode", "fast"), "--pgdata", DATA
            )
        processes.stop(self.members(), "PostgreSQL")


@contextmanager
def throwaway(folder: Path) -> Iterator[Cluster]:
    """A cluster for the time of a test."""
    cluster = Cluster(folder)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()
