from limen.hypervisor.domain_xml import DiskXml
from limen.hypervisor.model import VolumeSeen
from limen.hypervisor.storage import RawVolume, judge, parse_volume

MIB = 2**20
SHA = "ab" * 32


def volume(
    name: str, format_: str = "qcow2", backing: str | None = None, capacity: int = 8 * MIB
) -> RawVolume:
    seen = VolumeSeen("p", name, f"/p/{name}", f"/p/{name}", capacity, MIB, format_, backing, "disk")
    return RawVolume(seen, physical=64 * MIB)


def used(name: str, device: str = "disk", format_: str = "qcow2", by_volume: bool = False) -> DiskXml:
    path, pool, held = (None, "p", name) if by_volume else (f"/p/{name}", None, None)
    return DiskXml("vda", device, path, pool, held, format_, device == "cdrom")


def roles(volumes: list[RawVolume], disks: list[DiskXml]) -> dict[str, str]:
    return {seen.name: seen.role for seen in judge(volumes, disks)}


def test_roles() -> None:
    volumes = [
        volume(f"limen-image-{SHA}.qcow2"),
        volume("base"),
        volume("layer", backing="/p/base"),
        volume("ci.iso", "iso"),
        volume("unused.iso", "iso"),
    ]
    assert roles(volumes, [used("layer"), used("ci.iso", "cdrom", "raw")]) == {
        f"limen-image-{SHA}.qcow2": "image",
        "base": "backing",
        "layer": "disk",
        "ci.iso": "media",
        "unused.iso": "disk",
    }


def test_only_media_is_charged_nothing() -> None:
    seen = judge(
        [volume("ci", "iso"), volume("base"), volume("top", backing="/p/base")], [used("ci", "cdrom")]
    )
    assert [dict(each.amounts) for each in seen] == [{"disk": 8 * MIB}, {}, {"disk": 8 * MIB}]


def test_a_guest_cannot_make_its_disk_free_of_charge_by_writing_a_filesystem_to_it() -> None:
    assert roles([volume("data", "iso")], [used("data", format_="raw")]) == {"data": "disk"}
    assert roles([volume("data", "iso")], [used("data"), used("data", "cdrom")]) == {"data": "disk"}


def test_a_raw_disk_is_as_large_as_its_file_whatever_header_its_guest_wrote() -> None:
    forged = volume("data", "qcow2", backing="/p/victim", capacity=1)
    for by_volume in (False, True):
        seen = {
            each.name: each
            for each in judge([forged, volume("victim")], [used("data", "disk", "raw", by_volume)])
        }
        assert (seen["data"].format, seen["data"].capacity) == ("raw", 64 * MIB)
        assert seen["victim"].role == "disk"


def test_a_volume_is_read_from_libvirts_xml() -> None:
    raw = parse_volume(
        "default",
        """<volume type='file'><name>web</name><key>/i/web</key>
        <capacity unit='bytes'>20971520</capacity><allocation unit='bytes'>200704</allocation>
        <physical unit='bytes'>196688</physical>
        <target><path>/i/web</path><format type='qcow2'/></target>
        <backingStore><path>/i/base</path><format type='qcow2'/></backingStore></volume>""",
    )
    assert raw == RawVolume(
        VolumeSeen("default", "web", "/i/web", "/i/web", 20 * MIB, 200704, "qcow2", "/i/base", "disk"), 196688
    )
    assert raw.seen.identity == "default/web"
