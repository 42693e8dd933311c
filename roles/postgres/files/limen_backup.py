#!/usr/bin/python3
"""Take, list, verify and restore backups of Limen's database.

Runs on the database's host as the user postgres, with the standard library and PostgreSQL's own programs.

A backup is a folder named by its time, with `database.dump` (pg_dump's custom format) and `manifest.json`,
which holds the dump's SHA-256 and, of the same snapshot, the rows and a checksum of every table, the roles
that have rights in the database (without passwords) and the database's properties. A restore fills a
database beside the one that is there, compares every table with the manifest, and only then lets it take
the other's place.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path("/usr/lib/postgresql")
DUMP, MANIFEST, DRAFT = "database.dump", "manifest.json", ".draft"
# The text of a row must not depend on the server's settings.
SETTINGS = (
    "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex';"
)
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
TABLES = """
SELECT coalesce(json_agg(format('%I.%I', schemaname, tablename) ORDER BY schemaname, tablename), '[]')
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""
# The order of rows means nothing, so their hashes are summed.
FINGERPRINT = """
SELECT json_build_object('rows', count(*), 'checksum',
    coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text) FROM {table} t"""
DATABASE = """
SELECT json_build_object('owner', datdba::regrole::text, 'encoding', pg_encoding_to_char(encoding),
    'collate', datcollate, 'ctype', datctype, 'connect', (
        SELECT coalesce(json_agg(DISTINCT grantee::regrole::text), '[]') FROM aclexplode(datacl)
        WHERE privilege_type = 'CONNECT' AND grantee NOT IN (0, datdba)))
FROM pg_database WHERE datname = current_database()"""
ROLES = """
WITH here AS (
    SELECT DISTINCT refobjid AS oid FROM pg_shdepend JOIN pg_database d ON d.datname = current_database()
    WHERE refclassid = 'pg_authid'::regclass
        AND (dbid = d.oid OR (classid = 'pg_database'::regclass AND objid = d.oid)))
SELECT coalesce(json_agg(json_build_object('name', rolname, 'login', rolcanlogin, 'inherit', rolinherit,
    'config', rolconfig, 'member_of', (
        SELECT coalesce(json_agg(g.rolname ORDER BY g.rolname), '[]') FROM pg_auth_members m
        JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)) ORDER BY rolname), '[]')
FROM here JOIN pg_roles r USING (oid) WHERE NOT rolsuper"""


class BackupError(Exception):
    """What went wrong and what to do, in a sentence."""


@dataclass(frozen=True)
class Server:
    """How PostgreSQL's programs find the server; empty means by their defaults."""

    host: str = ""
    port: str = ""

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command line of one of PostgreSQL's programs. Never holds a secret."""
        where = [*(("--host", self.host) if self.host else ()), *(("--port", self.port) if self.port else ())]
        return [program, *where, "--no-password", *arguments]

    def psql(self, database: str) -> list[str]:
        """psql as a program speaks to it: bare answers, and an end at the first error."""
        options = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1")
        return self.command("psql", *options, "--dbname", database)

    def ask(self, sql: str, database: str = "postgres") -> Any:
        """One query with one JSON answer, or statements without any (None). Raises BackupError."""
        answer = run(self.psql(database), stdin=f"{SETTINGS}\n{sql};\n").strip()
        return json.loads(answer) if answer else None

    def exists(self, database: str) -> bool:
        """Whether there is a database of that name."""
        return database in self.ask("SELECT json_agg(datname) FROM pg_database")


def find_programs() -> None:
    """Put PostgreSQL's own programs before Debian's wrappers, which load Perl each time."""
    folders = sorted(PROGRAMS.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    os.environ["PATH"] = ":".join([*map(str, folders), os.environ["PATH"]])


def run(argv: list[str], stdin: str = "") -> str:
    """Standard output of a program that must succeed; raises BackupError with its words."""
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BackupError(f"{argv[0]} can't be run: {error.strerror}") from error
    if done.returncode != 0:
        raise BackupError(f"{argv[0]} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def identifier(name: str) -> str:
    """The name as SQL wants it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text as SQL wants it."""
    return "'" + text.replace("'", "''") + "'"


class Snapshot:
    """A transaction that is held open, so that pg_dump and our queries see the same state."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.name = self.ask(f"{SETTINGS} {BEGIN}; SELECT to_json(pg_export_snapshot())")

    def ask(self, sql: str) -> Any:
        """One query with one JSON answer on one line. Raises BackupError."""
        pipes = self._process.stdin, self._process.stdout
        if pipes[0] is None or pipes[1] is None:
            raise AssertionError("psql was started with pipes")
        try:
            pipes[0].write(f"{' '.join(sql.split())};\n")
            pipes[0].flush()
        except BrokenPipeError:
            pass  # psql has said why
        answer = pipes[1].readline()
        if not answer:
            raise BackupError("psql ended in the middle of the backup; its words are above")
        return json.loads(answer)

    def fingerprints(self) -> dict[str, Any]:
        """Rows and checksum of every table."""
        return {table: self.ask(FINGERPRINT.format(table=table)) for table in self.ask(TABLES)}


@contextmanager
def snapshot(server: Server, database: str) -> Iterator[Snapshot]:
    """A snapshot that lasts as long as the block; psql ends when its input does."""
    with subprocess.Popen(
        server.psql(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Snapshot(process)
        except BaseException:
            process.kill()
            raise


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The folder for ourselves: the timer and a person may take a backup at the same time."""
    os.umask(0o077)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def backups(folder: Path) -> list[Path]:
    """The backups of a folder, oldest first; one that is being taken is none yet."""
    return sorted(
        entry for entry in folder.iterdir() if (entry / MANIFEST).is_file() and entry.name[0] != "."
    )


def unused(folder: Path) -> Path:
    """A folder of this second's name, or of the next that no backup has."""
    second = int(time.time())
    while (path := folder / time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime(second))).exists():
        second += 1
    return path


def take(server: Server, database: str, folder: Path, keep: int) -> Path:
    """Take a backup, verify it, and forget those beyond `keep`; returns its folder. Raises BackupError."""
    for left in folder.glob(f"{DRAFT}*"):
        shutil.rmtree(left)
    final = unused(folder)
    draft = folder / f"{DRAFT}-{final.name}"
    draft.mkdir()
    dump = draft / DUMP
    with snapshot(server, database) as state:
        manifest = {
            "taken": final.name,
            "database": {"name": database, **state.ask(DATABASE)},
            "server": state.ask("SELECT to_json(current_setting('server_version'))"),
            "roles": state.ask(ROLES),
            "tables": state.fingerprints(),
        }
        arguments = ("--format=custom", f"--snapshot={state.name}", f"--file={dump}", database)
        run(server.command("pg_dump", *arguments))
    text = json.dumps({**manifest, "sha256": sha256(dump)}, indent=2, sort_keys=True)
    with (draft / MANIFEST).open("w", encoding="utf-8") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(file.fileno())
    verify(draft)
    draft.rename(final)
    for old in backups(folder)[:-keep]:
        shutil.rmtree(old)
    return final


def verify(backup: Path) -> dict[str, Any]:
    """The manifest of a backup whose dump is whole and can be read. Raises BackupError."""
    try:
        manifest: dict[str, Any] = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
        found = sha256(backup / DUMP)
    except (OSError, ValueError) as error:
        raise BackupError(f"{backup} is not a whole backup: {error}") from error
    if found != manifest["sha256"]:
        raise BackupError(f"{backup / DUMP} is damaged: its SHA-256 is {found}, not {manifest['sha256']}")
    listed = sum(
        " TABLE DATA " in line for line in run(["pg_restore", "--list", str(backup / DUMP)]).splitlines()
    )
    if listed != len(manifest["tables"]):
        raise BackupError(
            f"{backup / DUMP} holds {listed} tables, and {len(manifest['tables'])} were backed up"
        )
    return manifest


def make_roles(server: Server, roles: list[dict[str, Any]]) -> list[str]:
    """Make the roles that are not there, without passwords, and memberships; returns the new roles' names."""
    known = set(server.ask("SELECT json_agg(rolname) FROM pg_roles"))
    missing = [role for role in roles if role["name"] not in known]
    statements = []
    for role in missing:
        flags = ("LOGIN" if role["login"] else "NOLOGIN", "INHERIT" if role["inherit"] else "NOINHERIT")
        statements.append(f"CREATE ROLE {identifier(role['name'])} {' '.join(flags)}")
        for setting in role["config"] or ():
            key, _, value = setting.partition("=")
            name = identifier(role["name"])
            statements.append(f"ALTER ROLE {name} SET {identifier(key)} = {literal(value)}")
    for role in roles:
        groups = (identifier(group) for group in role["member_of"])
        statements += [f"GRANT {group} TO {identifier(role['name'])}" for group in groups]
    server.ask("; ".join(["BEGIN", *statements, "COMMIT"]))
    return [role["name"] for role in missing]


def make_database(server: Server, name: str, properties: dict[str, Any]) -> None:
    """An empty database with the owner, the locale and the rights of the one that was backed up."""
    server.ask(f"DROP DATABASE IF EXISTS {identifier(name)}")
    owner, encoding, collate, ctype = (properties[key] for key in ("owner", "encoding", "collate", "ctype"))
    server.ask(
        f"CREATE DATABASE {identifier(name)} OWNER {owner} TEMPLATE template0 "
        f"ENCODING {literal(encoding)} LC_COLLATE {literal(collate)} LC_CTYPE {literal(ctype)}"
    )
    grants = [f"GRANT CONNECT ON DATABASE {identifier(name)} TO {role}" for role in properties["connect"]]
    server.ask("; ".join([f"REVOKE ALL ON DATABASE {identifier(name)} FROM PUBLIC", *grants]))


def restore(server: Server, backup: Path, database: str, replace: bool) -> dict[str, Any]:
    """Restore into an empty or missing database, or beside a full one that is kept under another name.

    Returns what a caller wants to tell. Raises BackupError; the database is untouched then.
    """
    manifest = verify(backup)
    there = server.exists(database)
    full = there and bool(server.ask(TABLES, database))
    if full and not replace:
        raise BackupError(
            f"the database {database} is not empty: say --replace to put the backup in its place"
        )
    made = make_roles(server, manifest["roles"])
    draft, aside = (
        f"{database}_restoring",
        f"{database}_before_{time.strftime('%Y%m%d%H%M%S', time.gmtime())}",
    )
    make_database(server, draft, manifest["database"])
    try:
        run(server.command("pg_restore", "--exit-on-error", "--dbname", draft, str(backup / DUMP)))
        with snapshot(server, draft) as state:
            compare(manifest["tables"], state.fingerprints())
        server.ask("ANALYZE", draft)
        moves = [f"ALTER DATABASE {identifier(draft)} RENAME TO {identifier(database)}"]
        if there:
            moves.insert(0, f"ALTER DATABASE {identifier(database)} RENAME TO {identifier(aside)}")
        server.ask(f"BEGIN; {'; '.join(moves)}; COMMIT")
    except BackupError:
        server.ask(f"DROP DATABASE {identifier(draft)}")
        raise
    if there and not full:
        server.ask(f"DROP DATABASE {identifier(aside)}")
    return {
        "database": database,
        "taken": manifest["taken"],
        "tables": {table: found["rows"] for table, found in manifest["tables"].items()},
        "kept": aside if full else None,
        "roles_without_password": made,
    }


def compare(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    """Raise BackupError unless every table holds the same rows."""
    wrong = [table for table in sorted(wanted.keys() | found.keys()) if wanted.get(table) != found.get(table)]
    if wrong:
        raise BackupError(f"what was restored differs from what was backed up in {', '.join(wrong)}")


def main() -> int:
    """Entry point: a JSON object on standard output; exit code 1 and a sentence when something is wrong."""
    parser = argparse.ArgumentParser(prog="limen-backup", description=__doc__)
    parser.add_argument("--host", default="", help="the server's address or the folder of its socket")
    parser.add_argument("--port", default="")
    commands = parser.add_subparsers(dest="command", required=True)
    taking = commands.add_parser("take", help="take a backup and verify it")
    taking.add_argument("--database", default="limen")
    taking.add_argument("--folder", type=Path, default=Path("/var/backups/limen"))
    taking.add_argument("--keep", type=int, default=14, help="how many backups are kept")
    listing = commands.add_parser("list", help="list backups, oldest first")
    listing.add_argument("--folder", type=Path, default=Path("/var/backups/limen"))
    verifying = commands.add_parser("verify", help="see whether a backup is whole and can be read")
    verifying.add_argument("backup", type=Path)
    restoring = commands.add_parser("restore", help="restore a backup and compare every table")
    restoring.add_argument("backup", type=Path)
    restoring.add_argument("--database", default="limen")
    restoring.add_argument("--replace", action="store_true", help="even if the database is not empty")
    given = parser.parse_args()
    find_programs()
    server = Server(given.host, given.port)
    try:
        print(json.dumps(answer(server, given), indent=2))  # noqa: T201
    except (BackupError, OSError) as error:
        print(f"limen-backup: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def answer(server: Server, given: argparse.Namespace) -> Any:
    """Carry out one command."""
    if given.command == "take":
        with alone(given.folder):
            taken = take(server, given.database, given.folder, max(given.keep, 1))
        return {"backup": str(taken), "tables": rows(verify(taken))}
    if given.command == "list":
        return [str(backup) for backup in backups(given.folder)]
    if given.command == "verify":
        return {"backup": str(given.backup), "tables": rows(verify(given.backup))}
    return restore(server, given.backup, given.database, given.replace)


def rows(manifest: dict[str, Any]) -> dict[str, int]:
    """How many rows each table has."""
    return {table: found["rows"] for table, found in manifest["tables"].items()}


if __name__ == "__main__":
    sys.exit(main())
