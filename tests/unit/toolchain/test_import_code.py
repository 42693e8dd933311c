"""The Python that `pulumi import` offers: it compiles, and says what the PCL said."""

import ast

import pytest
from language_host.import_code import python_source, snake
from language_host.pcl import PclError, Reader, Reference
from pulumi.runtime.proto import language_pb2

from tests.unit.toolchain.host import CALL_S, Host

IMPORTED = """
package libvirt {
    baseProviderName = "libvirt"
}

resource web-1 "libvirt:index/domain:Domain" {
    name = "web-1"
    memory = 512
    running = true
    cpu ={
mode = "custom"}
    disks =[{
volumeId = "/pool/a"}, {
volumeId = "/pool/$${b}"}]
    networkInterfaces =[
        {
            networkId = net.id

        }]
    boot = []
    nvram = null
options {
protect =true
parent = stack-root

}
}
"""


def test_what_was_imported_is_written_as_a_program() -> None:
    source = python_source(IMPORTED)
    ast.parse(source)
    assert source.splitlines()[:2] == ["import pulumi", "import pulumi_libvirt as libvirt"]
    call = ast.parse(source).body[-1]
    assert isinstance(call, ast.Assign)
    assert ast.unparse(call) == (
        "web_1 = libvirt.Domain('web-1', name='web-1', memory=512, running=True, cpu={'mode': 'custom'}, "
        "disks=[{'volume_id': '/pool/a'}, {'volume_id': '/pool/${b}'}], "
        "network_interfaces=[{'network_id': net.id}], boot=[], nvram=None, "
        "opts=pulumi.ResourceOptions(protect=True, parent=stack_root))"
    )


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("networkInterfaces", "network_interfaces"),
        ("qemuAgent", "qemu_agent"),
        ("baseVolumeID", "base_volume_id"),
        ("class", "class_"),
        ("dns.host", "dns_host"),
    ],
)
def test_names_are_spelled_as_the_sdks_do(name: str, spelled: str) -> None:
    assert snake(name) == spelled


@pytest.mark.parametrize(
    "pcl",
    [
        'resource a "x:y:Z" { n = "${other.name}" }',
        'resource a "x:y:Z" { n = toJSON({}) }',
        'output a { value = 1 }',
        'resource a "x:y:Z" { n = ',
        'resource a "no token" { n = 1 }',
        "resource a { n = 1 }",
    ],
)  # fmt: skip
def test_what_can_not_be_translated_comes_back_as_comments(pcl: str) -> None:
    source = python_source(pcl)
    assert source.endswith(f"# {pcl}\n")
    assert all(line.startswith("#") for line in source.splitlines())


def test_values_keep_their_types() -> None:
    [block] = Reader(
        r'resource a { s = "q\"\n" i = -3 f = 1.5e2 r = a.b.c o = { "k-1" : [1, null] } }'
    ).program()
    assert block.attributes == {
        "s": 'q"\n', "i": -3, "f": 150.0, "r": Reference(("a", "b", "c")), "o": {"k-1": [1, None]},
    }  # fmt: skip


def test_text_that_is_no_pcl_is_refused() -> None:
    with pytest.raises(PclError, match="unexpected '#!'"):
        Reader("#!").program()


def test_the_host_serves_it(host: Host) -> None:
    request = language_pb2.GenerateProgramRequest(source={"anonymous.pp": IMPORTED})
    answer = host.stub.GenerateProgram(request, timeout=CALL_S)
    assert dict(answer.source) == {"__main__.py": python_source(IMPORTED).encode()}
    assert list(answer.diagnostics) == []
