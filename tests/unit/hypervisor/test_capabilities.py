import pytest

from limen.hypervisor import capabilities, xmltools
from limen.hypervisor.errors import HypervisorError

GIB = 2**30


def domain_capabilities(kind: str, secure: str = "yes", modes: str = "host-passthrough maximum") -> str:
    supported = "".join(f"<mode name='{mode}' supported='yes'/>" for mode in modes.split())
    return f"""<domainCapabilities>
    <path>/usr/bin/qemu</path><domain>{kind}</domain><machine>pc-q35-7.2</machine>
    <arch>x86_64</arch><vcpu max='288'/>
    <os supported='yes'>
      <enum name='firmware'><value>efi</value></enum>
      <loader supported='yes'>
        <value>/fw/OVMF.fd</value><enum name='secure'><value>{secure}</value></enum>
      </loader>
    </os>
    <cpu>{supported}<mode name='custom' supported='no'/></cpu>
    <devices>
      <tpm supported='yes'><enum name='backendModel'><value>emulator</value></enum></tpm>
    </devices>
    </domainCapabilities>"""


def test_kvm_passes_the_hosts_cpu_through_and_emulation_takes_all_it_has() -> None:
    kvm = capabilities.parse_capabilities(xmltools.parse(domain_capabilities("kvm")), "h")
    assert (kvm.domain_type, kvm.cpu_mode) == ("kvm", "host-passthrough")
    qemu = capabilities.parse_capabilities(xmltools.parse(domain_capabilities("qemu")), "h")
    assert (qemu.domain_type, qemu.cpu_mode, qemu.max_vcpus) == ("qemu", "maximum", 288)


def test_firmware_and_tpm() -> None:
    found = capabilities.parse_capabilities(xmltools.parse(domain_capabilities("kvm")), "h")
    assert (found.uefi, found.secure_boot, found.tpm, found.firmware_files) == (
        True,
        True,
        True,
        ("/fw/OVMF.fd",),
    )
    insecure = capabilities.parse_capabilities(xmltools.parse(domain_capabilities("kvm", secure="no")), "h")
    assert (insecure.uefi, insecure.secure_boot) == (True, False)


def test_a_host_without_a_usable_cpu_mode_says_so() -> None:
    with pytest.raises(HypervisorError, match="none of the CPU modes"):
        capabilities.parse_capabilities(xmltools.parse(domain_capabilities("qemu", modes="custom2")), "h")


@pytest.mark.parametrize(
    ("choice", "offered", "picked"),
    [("auto", {"kvm", "qemu"}, "kvm"), ("auto", {"qemu"}, "qemu"), ("qemu", {"kvm", "qemu"}, "qemu")],
)
def test_the_type_is_the_callers_choice(
    choice: capabilities.DomainTypeChoice, offered: set[str], picked: str
) -> None:
    assert capabilities.pick_type(choice, offered, "uri") == picked


def test_a_type_that_the_host_does_not_have_is_refused() -> None:
    with pytest.raises(HypervisorError, match="runs no domains of type kvm; it offers qemu"):
        capabilities.pick_type("kvm", {"qemu"}, "uri")


def test_the_argument_goes_before_the_environment() -> None:
    assert capabilities.chosen_type("qemu", "kvm") == "qemu"
    assert capabilities.chosen_type(None, "kvm") == "kvm"
    assert capabilities.chosen_type(None, None) == "auto"
    with pytest.raises(HypervisorError, match="'xen' is none of auto, kvm, qemu"):
        capabilities.chosen_type(None, "xen")


def pool(kind: str, name: str, capacity: int, free: int = 0, source: str = "") -> str:
    return (
        f"<pool type='{kind}'><name>{name}</name><capacity unit='bytes'>{capacity}</capacity>"
        f"<available unit='bytes'>{free}</available><source><name>{source}</name></source></pool>"
    )


def test_two_pools_on_one_filesystem_count_once() -> None:
    pools = [pool("dir", "a", 100 * GIB, 50 * GIB), pool("dir", "b", 100 * GIB, 50 * GIB - 4096)]
    assert capabilities.disk_capacity(pools, fresh=True) == 100 * GIB


def test_two_filesystems_of_one_size_count_both_if_their_free_space_tells_them_apart() -> None:
    pools = [pool("dir", "a", 100 * GIB, 50 * GIB), pool("dir", "b", 100 * GIB, 70 * GIB)]
    assert capabilities.disk_capacity(pools, fresh=True) == 200 * GIB
    assert capabilities.disk_capacity(pools, fresh=False) == 100 * GIB, "stale figures tell nothing"


def test_a_volume_group_counts_once_and_network_storage_not_at_all() -> None:
    pools = [
        pool("logical", "fast", 10 * GIB, source="vg0"),
        pool("logical", "again", 10 * GIB, source="vg0"),
        pool("logical", "other", 10 * GIB, source="vg1"),
        pool("netfs", "nfs", 1000 * GIB),
    ]
    assert capabilities.disk_capacity(pools, fresh=True) == 20 * GIB
