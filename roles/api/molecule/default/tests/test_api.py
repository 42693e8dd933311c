"""limen-api answers, is confined, and what it must not read is kept from it."""

import json
import os
from pathlib import Path

from testinfra.host import Host

URL = "http://127.0.0.1:18443"
LIMEN = f"LIMEN_API_URL={URL} LIMEN_TOKEN_FILE=/etc/limen/administrator-token /opt/limen/venv/bin/limen"


def as_service(host: Host, command: str) -> str:
    """What a command of the service's user says, whether it succeeds or not."""
    done = host.run(f"runuser -u limen -- {command}")
    return f"{done.stdout}{done.stderr}"


def test_it_runs_at_boot_as_its_user_and_is_ready(host: Host) -> None:
    service = host.service("limen-api")
    assert service.is_running
    assert service.is_enabled
    assert host.process.get(comm="limen-api").user == "limen"
    code = f"import urllib.request; print(urllib.request.urlopen('{URL}/readyz').read().decode())"
    assert json.loads(host.check_output("python3 -c %s", code)) == {"status": "ready"}


def test_it_listens_on_loopback_alone(host: Host) -> None:
    assert host.socket("tcp://127.0.0.1:18443").is_listening
    assert not host.socket("tcp://0.0.0.0:18443").is_listening


def test_the_administrators_token_works_and_is_roots_alone(host: Host) -> None:
    file = host.file("/etc/limen/administrator-token")
    assert (file.user, file.mode) == ("root", 0o600)
    assert json.loads(host.check_output(f"{LIMEN} whoami --json"))["administrator"] is True
    copied = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "token"
    assert copied.stat().st_mode & 0o777 == 0o600


def test_a_project_with_limits_can_be_made(host: Host) -> None:
    host.run(f"{LIMEN} project create molecule")
    host.check_output(f"{LIMEN} quota set molecule memory=1GiB vms=1")
    assert host.run(f"{LIMEN} quota explain molecule memory=2GiB vms=1").rc == 3


def test_it_speaks_to_the_database_over_tls_alone(host: Host) -> None:
    asked = (
        "SELECT count(*), bool_and(ssl) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)"
        " WHERE usename = 'limen' AND backend_type = 'client backend'"
    )
    count, encrypted = host.check_output("runuser -u postgres -- psql -qAtc %s", asked).split("|")
    assert int(count) > 0
    assert encrypted == "t"


def test_the_service_reads_neither_its_url_nor_the_owners(host: Host) -> None:
    for name in ("owner-url", "database-url", "administrator-token"):
        assert "Permission denied" in as_service(host, f"cat /etc/limen/{name}")


def test_no_password_is_in_the_journal_or_on_a_command_line(host: Host) -> None:
    host.check_output("journalctl --no-pager >/root/journal")
    for name in ("owner-url", "database-url"):
        password = f"cut -d: -f3 /etc/limen/{name} | cut -d@ -f1"
        assert len(host.check_output(password)) > 20
        # Handed over by a pipe: on grep's own command line it would be found.
        found = host.run(f"{password} | grep -lsFf - /root/journal /proc/[0-9]*/cmdline")
        assert found.stdout == ""


def test_old_denials_are_deleted_each_day(host: Host) -> None:
    assert host.service("limen-audit-prune.timer").is_enabled
    asked = "SELECT count(*) FROM audit WHERE NOT allowed AND at < now() - interval '365 days'"
    denial = (
        "INSERT INTO audit (at, actor, action, allowed, detail)"
        " VALUES (now() - interval '366 days', 'molecule', 'claim.create', false, '{}')"
    )
    host.check_output("runuser -u postgres -- psql -qAt limen -c %s", denial)
    host.check_output("systemctl start limen-audit-prune.service")
    assert host.check_output("runuser -u postgres -- psql -qAt limen -c %s", asked) == "0"
    assert "Deleted 1 denial." in host.check_output("journalctl --no-pager -o cat -u limen-audit-prune")


def test_systemd_calls_the_units_well_confined(host: Host) -> None:
    for unit in ("limen-api", "limen-migrate", "limen-audit-prune"):
        last = host.check_output(f"systemd-analyze security --no-pager {unit}.service").splitlines()[-1]
        assert " OK " in last, last


def test_its_key_pair_is_for_itself_alone(host: Host) -> None:
    key = host.file("/var/lib/limen/.ssh/id_ed25519")
    assert (key.user, key.mode) == ("limen", 0o600)


def test_it_can_load_libvirt_under_its_confinement(host: Host) -> None:
    answer = host.run(f"{LIMEN} host add test:///default")
    assert "libvirt" not in answer.stderr or "No module" not in answer.stderr
