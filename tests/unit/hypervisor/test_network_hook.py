"""The rules that libvirt's network hook makes of a network's XML."""

import io
import xml.etree.ElementTree as ET

import pytest

from limen.hypervisor.hooks import network as hook

UUID = "2f1c7f4e-8d3a-4b53-9f0a-0d7e1c2b3a49"
CHAIN = "LIMEN-2f1c7f4e8d3a4b539f0a0d"


def network(*records: tuple[str, str]) -> ET.Element:
    lines = "".join(f"<txt name='{name}' value='{value}'/>" for name, value in records)
    return ET.fromstring(  # noqa: S314
        f"<network><name>lan</name><uuid>{UUID}</uuid><dns>{lines}</dns></network>"
    )


def test_each_forward_leads_to_its_guest_and_is_let_through() -> None:
    found = hook.ruleset(
        network(
            ("_limen-forward._udp.53", "10.20.0.11:5353"),
            ("_limen-forward._tcp.8080", "10.20.0.10:80"),
            ("example", "a record of others"),
        )
    )
    assert found.splitlines() == [
        "*nat",
        f":{CHAIN} - [0:0]",
        f"-A {CHAIN} -p tcp --dport 8080 -j DNAT --to-destination 10.20.0.10:80",
        f"-A {CHAIN} -p udp --dport 53 -j DNAT --to-destination 10.20.0.11:5353",
        "COMMIT",
        "*filter",
        f":{CHAIN} - [0:0]",
        f"-A {CHAIN} -d 10.20.0.10/32 -p tcp --dport 80 -j ACCEPT",
        f"-A {CHAIN} -d 10.20.0.11/32 -p udp --dport 5353 -j ACCEPT",
        "COMMIT",
    ]
    assert len(CHAIN) <= 28, "what iptables takes"


@pytest.mark.parametrize("value", ["10.20.0.10", "10.20.0.10:http", "web:80", "10.20.0.10 -j ACCEPT:80"])
def test_a_record_that_makes_no_sense_never_reaches_iptables(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = ET.tostring(network(("_limen-forward._tcp.80", value)), encoding="unicode")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"<hookData>{text}</hookData>"))
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a command was run"))
    assert hook.main(["lan", "updated", "begin", "-"]) == 1
    assert "port forwards of the network lan" in capsys.readouterr().err


def test_other_operations_are_none_of_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a command was run"))
    assert hook.main(["lan", "port-created", "begin", "-"]) == 0
