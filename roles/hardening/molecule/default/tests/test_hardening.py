"""What a host lets in and holds back after the role, and what has to go on working."""

import pytest
from testinfra.host import Host

from tests.molecule.kernel import needs_kernel
from tests.molecule.outside import converge, ssh, words

# Those of its network are a container's own, the others are the machine's.
whole_machine = needs_kernel("kernel parameters of the whole machine")


@pytest.fixture(scope="module")
def guest(host: Host) -> str:
    """The guest's name for ssh."""
    return host.backend.get_hostname()


def test_a_user_with_a_key_gets_in_and_sudo_works(guest: str) -> None:
    assert ssh(guest, "sudo", "-n", "id", "-un").stdout == "root\n"


def test_root_is_refused_though_the_key_is_right(host: Host, guest: str) -> None:
    host.check_output("install -D -m 600 /home/debian/.ssh/authorized_keys /root/.ssh/authorized_keys")
    done = ssh(guest, "true", options=("-o", "User=root"))
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_passwords_are_not_even_asked_for(guest: str) -> None:
    done = ssh(guest, "true", options=("-v", "-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes"))
    assert "Authentications that can continue: publickey\n" in done.stderr
    assert done.returncode == 255


@pytest.mark.parametrize(
    "option", ["Ciphers=aes128-cbc", "MACs=hmac-sha1", "KexAlgorithms=ecdh-sha2-nistp256"]
)
def test_old_algorithms_find_no_partner(guest: str, option: str) -> None:
    # Authenticated ciphers bring their own MAC.
    extra = ("-o", "Ciphers=aes256-ctr") if option.startswith("MACs") else ()
    done = ssh(guest, "true", options=("-o", "LogLevel=INFO", "-o", option, *extra))
    assert "no matching" in done.stderr


def test_the_rest_of_sshd_and_the_options_of_the_play(host: Host) -> None:
    settings = dict(line.split(" ", 1) for line in host.check_output("sshd -T").splitlines())
    assert settings["maxsessions"] == "20"
    assert settings["allowtcpforwarding"] == "yes"
    assert settings["x11forwarding"] == "no"
    assert settings["usepam"] == "yes"


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        pytest.param("kernel.kptr_restrict", "2", marks=whole_machine),
        pytest.param("kernel.unprivileged_bpf_disabled", "1", marks=whole_machine),
        ("net.ipv4.conf.all.accept_redirects", "0"),
        ("net.ipv4.conf.default.accept_redirects", "0"),
        ("net.ipv4.conf.lo.accept_redirects", "0"),
        ("net.ipv4.conf.all.rp_filter", "2"),
        pytest.param("fs.suid_dumpable", "0", marks=whole_machine),
        pytest.param("vm.swappiness", "10", marks=whole_machine),
    ],
)
def test_the_kernel_goes_by_the_parameters(host: Host, parameter: str, value: str) -> None:
    path = parameter.replace(".", "/")
    assert host.file(f"/proc/sys/{path}").content_string.strip() == value


def test_forwarding_is_left_to_libvirt(host: Host) -> None:
    before = host.file("/proc/sys/net/ipv4/ip_forward").content_string.strip()
    try:
        host.check_output("sysctl -w net.ipv4.ip_forward=1")
        host.check_output("/usr/lib/systemd/systemd-sysctl /etc/sysctl.d/99-zz-limen.conf")
        assert host.file("/proc/sys/net/ipv4/ip_forward").content_string.strip() == "1"
    finally:
        host.check_output(f"sysctl -w net.ipv4.ip_forward={before}")


def test_a_program_that_crashes_leaves_no_dump(host: Host) -> None:
    folder = host.check_output("mktemp -d")
    done = host.run(f"cd {folder} && ulimit -c unlimited; sh -c 'kill -SEGV $$'; ls -A")
    assert done.stdout == ""


def test_security_updates_and_only_these_install_themselves(host: Host) -> None:
    dump = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in dump
    origins = [
        line for line in dump.splitlines() if line.startswith("Unattended-Upgrade::Origins-Pattern:: ")
    ]
    assert len(origins) == 1
    assert "Debian-Security" in origins[0]
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(timer).is_running
        assert host.service(timer).is_enabled


@needs_kernel("a container goes by the clock of the machine below it")
def test_the_clock_follows_the_declared_servers(host: Host) -> None:
    assert host.service("systemd-timesyncd").is_running
    assert host.service("systemd-timesyncd").is_enabled
    shown = host.check_output(
        "timedatectl show-timesync --property=SystemNTPServers --property=FallbackNTPServers"
    )
    # Nobody else is asked, not even when they are away.
    assert shown.splitlines() == ["SystemNTPServers=10.78.0.1", "FallbackNTPServers=10.78.0.1"]


def test_the_journal_is_kept_and_limited(host: Host) -> None:
    assert host.file("/var/log/journal").is_directory
    settings = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert settings.rindex("Storage=persistent") > settings.rindex("Storage=volatile")
    assert "SystemMaxUse=1G" in settings


def test_who_would_be_locked_out_is_told_before_anything_changes() -> None:
    done = converge("hardening", "preflight", hardening_ssh_users=["somebody"])
    assert done.returncode == 2
    assert "Add that user to the list" in words(done)
