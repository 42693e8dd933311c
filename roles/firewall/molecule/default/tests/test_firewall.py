"""Connections tried from outside, from networks behind the host, and what happens after a mistake."""

import pytest
from testinfra.host import Host

from tests.molecule.outside import converge, outside, ssh, words


@pytest.fixture(scope="module")
def address(host: Host) -> str:
    return host.check_output("hostname -I").split()[0]


def open_from_outside(address: str, port: int) -> bool:
    return outside("nc", "-z", "-w", "3", address, str(port)).returncode == 0


def opens(host: Host, network: str, address: str, port: int) -> bool:
    """Whether a machine in that network behind the host can connect."""
    return host.run(f"ip netns exec {network} nc -z -w 3 {address} {port}").rc == 0


def rules(host: Host) -> str:
    return host.check_output("nft --stateless list table inet limen")


def test_what_is_declared_is_open_and_nothing_else(host: Host, address: str) -> None:
    for port in (8080, 8081, 8082):
        assert host.socket(f"tcp://0.0.0.0:{port}").is_listening
    assert open_from_outside(address, 22)
    assert open_from_outside(address, 8080)
    assert not open_from_outside(address, 8081)
    assert not open_from_outside(address, 8082)


def test_a_host_still_reaches_itself(host: Host) -> None:
    assert host.run("nc -z -w 3 127.0.0.1 8081").rc == 0


def test_guests_reach_dns_on_the_bridge_and_no_undeclared_port(host: Host) -> None:
    assert opens(host, "inner", "10.7.0.1", 53)
    assert not opens(host, "inner", "10.7.0.1", 8081)


def test_nobody_enters_the_internal_network_but_who_was_declared(host: Host) -> None:
    assert opens(host, "outer", "10.7.0.2", 80)
    assert not opens(host, "outer", "10.7.0.2", 22)


def test_the_internal_network_gets_out_and_others_are_not_cut(host: Host) -> None:
    assert opens(host, "inner", "10.8.0.2", 22)


def test_a_port_forward_leads_in(host: Host) -> None:
    host.check_output(
        "nft 'add table ip forwards; add chain ip forwards pre { type nat hook prerouting priority dstnat; };"
        " add rule ip forwards pre ip daddr 10.8.0.1 tcp dport 2222 dnat to 10.7.0.2:22'"
    )
    try:
        assert opens(host, "outer", "10.8.0.1", 2222)
    finally:
        host.check_output("nft delete table ip forwards")


def test_forged_addresses_are_dropped(host: Host) -> None:
    # No answer finds its way back, so arrivals are counted, behind the role's chain.
    host.check_output("ip -n outer address add 10.7.0.99/32 dev eth0")
    host.check_output("sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.virbr8.rp_filter=0")
    host.check_output(
        "nft 'add table inet probe; add chain inet probe in { type filter hook input priority 10; };"
        " add rule inet probe in ip saddr 10.7.0.99 counter'"
    )

    def arrivals() -> int:
        host.run("ip netns exec outer ping -c 2 -W 1 -I 10.7.0.99 10.8.0.1")
        return int(host.check_output("nft list table inet probe | grep -o 'packets [0-9]*'").split()[1])

    try:
        assert arrivals() == 0
        host.check_output("nft delete table inet limen")
        assert arrivals() == 2
    finally:
        host.check_output("limen-firewall load && nft delete table inet probe")


@pytest.mark.timeout(1500)
def test_a_second_run_leaves_other_tables_alone_and_makes_good_what_was_changed(host: Host) -> None:
    host.check_output("nft 'add table ip foreign; add chain ip foreign LIBVIRT_INP'")
    before = rules(host)
    host.check_output("nft delete table inet limen")
    done = converge("firewall", "configure")
    assert done.returncode == 0, done.stdout
    assert rules(host) == before
    assert "LIBVIRT_INP" in host.check_output("nft list table ip foreign")
    host.check_output("nft delete table ip foreign")


def test_the_rules_are_there_after_a_boot(host: Host) -> None:
    assert host.service("limen-firewall").is_enabled
    before = rules(host)
    host.check_output(
        "systemctl stop limen-firewall && ! nft list table inet limen && systemctl start limen-firewall"
    )
    assert rules(host) == before


@pytest.mark.timeout(1500)
def test_rules_that_cut_ssh_are_taken_back_and_the_play_says_so(host: Host, address: str) -> None:
    before = rules(host)
    done = converge("firewall", "configure", firewall_keep_ssh=False, firewall_confirm_seconds=60)
    assert done.returncode != 0
    assert "the old rules are in force" in words(done)
    assert rules(host) == before
    assert ssh(host.backend.get_hostname(), "true").returncode == 0
    # Not even the next boot brings them.
    host.check_output("systemctl restart limen-firewall")
    assert rules(host) == before


@pytest.mark.timeout(1500)
def test_rules_that_nft_refuses_never_replace_the_old_ones(host: Host) -> None:
    before = host.file("/etc/limen-firewall.nft").content_string
    done = converge("firewall", "configure", firewall_open=[{"name": "wrong", "ports": ["99999"]}])
    assert done.returncode != 0
    assert host.file("/etc/limen-firewall.nft").content_string == before


def test_rules_that_nobody_confirms_go_even_if_the_play_was_killed(host: Host) -> None:
    before = rules(host)
    # What is declared is still what the test before last asked for, which cuts SSH.
    host.check_output(
        "sed '/comment \"web\"/d' /var/lib/limen-firewall/confirmed.nft >/etc/limen-firewall.nft"
    )
    # In one command: they may be gone before a second one is there.
    tried = host.check_output("limen-firewall try 10 && nft --stateless list table inet limen")
    said, _, on_trial = tried.partition("\n")
    assert said == "on trial"
    assert on_trial != before
    assert 'comment "web"' not in on_trial
    host.check_output(
        "timeout 60 sh -c 'while systemctl --quiet is-active limen-firewall-rollback.timer"
        " limen-firewall-rollback.service; do sleep 1; done'"
    )
    assert rules(host) == before
    assert host.run("limen-firewall confirm").rc == 1
