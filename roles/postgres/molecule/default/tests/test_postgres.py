"""Who gets into the database and with what, and that a backup comes back."""

import json

import pytest
from testinfra.host import Host


@pytest.fixture(scope="module")
def psql(host: Host):  # type: ignore[no-untyped-def]
    """Run SQL as the superuser; returns the bare answer."""

    def run(sql: str, database: str = "limen") -> str:
        return host.check_output(f"runuser -u postgres -- psql -XqAt -d {database} -c %s", sql)

    return run


def login(
    host: Host, options: str, sql: str = "SELECT session_user || ' ' || current_user"
) -> tuple[int, str]:
    """Connect as the service with its password; exit code and words."""
    done = host.run(
        f"PGPASSWORD=%s psql -XAt 'user=limen dbname=limen {options}' -c %s", "molecule's-own", sql
    )
    return done.rc, done.stdout + done.stderr


def test_the_service_gets_in_by_the_socket_and_is_a_reader(host: Host) -> None:
    assert login(host, "host=/var/run/postgresql") == (0, "limen limen_read\n")


def test_over_the_network_only_tls_will_do(host: Host) -> None:
    assert login(host, "host=127.0.0.1 sslmode=require")[0] == 0
    code, words = login(host, "host=127.0.0.1 sslmode=disable")
    assert code != 0
    assert "no pg_hba.conf entry" in words


def test_the_certificate_is_for_the_hosts_names(host: Host) -> None:
    root = f"sslrootcert={host.check_output('ls /etc/postgresql/*/main/limen.crt')}"
    assert login(host, f"host=localhost sslmode=verify-full {root}")[0] == 0


def test_a_wrong_password_and_another_database_are_refused(host: Host) -> None:
    assert (
        "authentication failed"
        in host.run("PGPASSWORD=wrong psql 'user=limen host=/var/run/postgresql'").stderr
    )
    assert "no pg_hba.conf entry" in login(host, "host=/var/run/postgresql dbname=postgres")[1]


def test_passwords_are_kept_as_scram_and_nobody_is_a_superuser(psql) -> None:  # type: ignore[no-untyped-def]
    kept = psql(
        "SELECT rolname, left(rolpassword, 13) FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY 1"
    )
    assert kept.splitlines() == ["limen|SCRAM-SHA-256", "limen_owner|SCRAM-SHA-256"]
    assert psql("SELECT rolname FROM pg_roles WHERE rolsuper OR rolcreaterole OR rolcreatedb") == "postgres"


def test_the_service_takes_the_three_roles_and_makes_no_table(host: Host) -> None:
    for role in ("limen_admit", "limen_admin", "limen_read"):
        sql = f"BEGIN; SET LOCAL ROLE {role}; SELECT current_user"
        assert role in login(host, "host=/var/run/postgresql", sql)[1]
    code, words = login(host, "host=/var/run/postgresql", "CREATE TABLE public.mine ()")
    assert code != 0
    assert "permission denied" in words


def test_sizes_go_by_the_hosts_memory(host: Host, psql) -> None:  # type: ignore[no-untyped-def]
    memory = int(host.check_output("awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo"))
    shared = int(psql("SELECT setting::bigint * 8 / 1024 FROM pg_settings WHERE name = 'shared_buffers'"))
    assert shared in range(memory // 8 - 8, memory // 4 + 8)
    assert psql("SHOW log_min_duration_statement") == "500ms"
    assert psql("SELECT count(*) FROM pg_settings WHERE pending_restart") == "0"


def test_the_timers_backup_comes_back_whole(host: Host, psql) -> None:  # type: ignore[no-untyped-def]
    psql("CREATE TABLE IF NOT EXISTS kept AS SELECT n, md5(n::text) FROM generate_series(1, 1000) n")
    psql("ALTER TABLE kept OWNER TO limen_owner; GRANT SELECT ON kept TO limen_read")
    assert host.service("limen-backup.timer").is_enabled
    for _ in range(3):
        host.check_output("systemctl start limen-backup.service")
        host.check_output("sleep 1")  # a backup is named by its second
    taken = json.loads(host.check_output("runuser -u postgres -- limen-backup list"))
    assert len(taken) == 2
    assert host.file("/var/backups/limen").mode == 0o700
    assert host.file(f"{taken[-1]}/database.dump").mode == 0o600

    back = json.loads(
        host.check_output(f"runuser -u postgres -- limen-backup restore {taken[-1]} --database proof")
    )
    assert back["tables"]["public.kept"] == 1000
    assert psql("SELECT pg_get_userbyid(relowner), relacl FROM pg_class WHERE relname = 'kept'", "proof") == (
        psql("SELECT pg_get_userbyid(relowner), relacl FROM pg_class WHERE relname = 'kept'")
    )
    refused = host.run(f"runuser -u postgres -- limen-backup restore {taken[-1]}")
    assert refused.rc == 1
    assert "is not empty" in refused.stderr
