#!/usr/bin/python3
"""Port forwards of libvirt networks: libvirt runs this as `/etc/libvirt/hooks/network.d/limen`.

Libvirt gives it the network's XML on standard input. A forward is a DNS TXT record of the network, named
`_limen-forward._tcp.8080`, with the value `ADDRESS:PORT`. Each network has two iptables chains of its own,
one in the table nat and one in the table filter. iptables, because libvirt refuses with it: before 10.4
always, since then where `firewall_backend` in /etc/libvirt/network.conf says so, as the role libvirt_host
makes it. An accept in another nftables table would not overrule that. Standard library only, and no call of
libvirt, which waits for its hooks.
"""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from ipaddress import IPv4Address
from typing import NamedTuple

_RECORD = re.compile(r"_limen-forward\._(tcp|udp)\.([0-9]{1,5})")
# What jumps into a network's chain: table, chain of the kernel, match.
_JUMPS = (
    ("nat", "PREROUTING", ("-m", "addrtype", "--dst-type", "LOCAL")),
    ("nat", "OUTPUT", ("-m", "addrtype", "--dst-type", "LOCAL", "!", "-d", "127.0.0.0/8")),
    ("filter", "FORWARD", ("-m", "conntrack", "--ctstate", "DNAT")),
)


class Forward(NamedTuple):
    protocol: str
    host_port: int
    address: IPv4Address
    port: int


def chain_of(network: ET.Element) -> str:
    """The name of a network's chains; iptables takes 28 characters."""
    return "LIMEN-" + network.findtext("uuid", "").replace("-", "")[:22]


def forwards_of(network: ET.Element) -> list[Forward]:
    """The forwards in a network's XML, by host port; raises ValueError for one that makes no sense."""
    found = []
    for record in network.iterfind("dns/txt"):
        if match := _RECORD.fullmatch(record.get("name", "")):
            address, _, port = record.get("value", "").rpartition(":")
            found.append(Forward(match[1], int(match[2]), IPv4Address(address), int(port)))
    return sorted(found)


def ruleset(network: ET.Element) -> str:
    """Input of `iptables-restore --noflush` that fills both chains of a network anew."""
    chain = chain_of(network)
    forwards = forwards_of(network)
    nat = [
        f"-A {chain} -p {each.protocol} --dport {each.host_port}"
        f" -j DNAT --to-destination {each.address}:{each.port}"
        for each in forwards
    ]
    accepts = [
        f"-A {chain} -d {each.address}/32 -p {each.protocol} --dport {each.port} -j ACCEPT"
        for each in forwards
    ]
    tables = (("nat", nat), ("filter", accepts))
    return "".join(
        "\n".join((f"*{table}", f":{chain} - [0:0]", *rules, "COMMIT", "")) for table, rules in tables
    )


def _iptables(*arguments: str) -> bool:
    return subprocess.run(["iptables", "-w", *arguments], capture_output=True, check=False).returncode == 0


def _leave(chain: str) -> None:
    """Take every jump into the chain away, were there several after a killed run."""
    for table, start, match in _JUMPS:
        while _iptables("-t", table, "-D", start, *match, "-j", chain):
            pass


def load(network: ET.Element) -> None:
    """Make the firewall hold exactly the network's forwards."""
    subprocess.run(["iptables-restore", "-w", "--noflush"], input=ruleset(network), text=True, check=True)
    chain = chain_of(network)
    _leave(chain)
    # First in FORWARD: libvirt's own chains refuse what comes from outside.
    for table, start, match in _JUMPS:
        subprocess.run(["iptables", "-w", "-t", table, "-I", start, *match, "-j", chain], check=True)


def unload(network: ET.Element) -> None:
    """Take everything of the network out of the firewall; what is gone already is well."""
    chain = chain_of(network)
    _leave(chain)
    for table in ("nat", "filter"):
        _iptables("-t", table, "-F", chain)
        _iptables("-t", table, "-X", chain)


def main(arguments: list[str]) -> int:
    """Entry: NAME OPERATION SUBOPERATION EXTRA. What it says on standard error reaches libvirt's caller."""
    operation = arguments[1] if len(arguments) > 1 else ""
    if operation not in ("started", "updated", "stopped"):
        return 0
    try:
        network = ET.fromstring(sys.stdin.read()).find("network")  # noqa: S314  libvirt prints no document type
        if network is None:
            raise ValueError("there is no network in the input")
        if operation == "stopped" or not forwards_of(network):
            unload(network)
        else:
            load(network)
    except (ValueError, OSError, ET.ParseError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"limen: port forwards of the network {arguments[0]}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
