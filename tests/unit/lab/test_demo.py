"""What `make up` makes of the host and the image that somebody names, before anything is touched."""

import subprocess
from pathlib import Path

import pytest

from tests.lab.demo import guest_image, hypervisor, program
from tests.lab.demo.layout import ROOT, Layout
from tests.lab.demo.shell import StepFailed

SHA256 = "ab" * 32
HOST = "qemu+ssh://you@host:2222/system"


def test_the_path_of_an_image_holds_in_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "debian.qcow2").touch()
    monkeypatch.chdir(tmp_path)
    named = {
        "LIMEN_IMAGE": "debian.qcow2",
        "LIMEN_IMAGE_SHA256": SHA256,
        "LIMEN_IMAGE_KERNEL": "",
        "HOME": "/",
    }
    assert guest_image.variables(named, real_host=True) == {
        "LIMEN_IMAGE": str(tmp_path / "debian.qcow2"),
        "LIMEN_IMAGE_SHA256": SHA256,
    }


def test_the_url_of_an_image_is_left_as_it_is() -> None:
    named = {"LIMEN_IMAGE": "http://host/a.qcow2", "LIMEN_IMAGE_SHA256": SHA256}
    assert guest_image.variables(named, real_host=True) == named


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({}, "name a cloud image"),
        ({"LIMEN_IMAGE": "/nowhere.qcow2", "LIMEN_IMAGE_SHA256": SHA256}, "there is no file /nowhere.qcow2"),
        ({"LIMEN_IMAGE": "/dev", "LIMEN_IMAGE_SHA256": SHA256}, "there is no file /dev"),
        ({"LIMEN_IMAGE": __file__}, "`sha256sum "),
        ({"LIMEN_IMAGE": "http://host/a", "LIMEN_IMAGE_SHA256": "ab"}, "64 hexadecimal digits"),
    ],
)
def test_an_image_that_cannot_be_right_is_refused(named: dict[str, str], said: str) -> None:
    with pytest.raises(StepFailed, match=said):
        guest_image.variables(named, real_host=True)


def test_a_host_whose_user_the_plugin_would_not_know_is_refused() -> None:
    with pytest.raises(StepFailed, match="names no user"):
        hypervisor.check("qemu+ssh://host/system")


def test_a_host_that_does_not_answer_is_refused_with_what_to_do() -> None:
    with pytest.raises(StepFailed, match="Does an SSH server run there"):
        hypervisor.check("qemu+ssh://you@127.0.0.1:1/system")


def test_ssh_goes_to_guests_through_their_host(tmp_path: Path) -> None:
    text = hypervisor.ssh_config(HOST, tmp_path / "key", "cloud")
    assert "    ProxyCommand ssh -p 2222 -l you -W '[%h]:%p' host\n" in text
    assert "    User cloud\n" in text
    assert f"    IdentityFile {tmp_path / 'key'}\n" in text


def test_a_host_that_ssh_does_not_reach_is_not_gone_through(tmp_path: Path) -> None:
    text = hypervisor.ssh_config("qemu+tls://host/system", tmp_path / "key", "debian")
    assert "ProxyCommand" not in text
    assert f"UserKnownHostsFile {tmp_path / 'known_hosts'}" in text


def test_vms_on_another_host_are_not_lost_sight_of(tmp_path: Path) -> None:
    layout = Layout(tmp_path, "up")
    hypervisor.check_unchanged(program.read_env_file(layout), HOST)
    layout.env_file.write_text(
        f"# comment\nexport PATH=/a:$PATH\nexport LIMEN_LIBVIRT_URI='{HOST}?a=1&b=2'\n"
    )
    kept = program.read_env_file(layout)
    assert kept == {"LIMEN_LIBVIRT_URI": f"{HOST}?a=1&b=2"}
    hypervisor.check_unchanged(kept, f"{HOST}?a=1&b=2")
    with pytest.raises(StepFailed, match="`make down` first"):
        hypervisor.check_unchanged(kept, HOST)


SHIPPED = "# What is shipped.\nconfig:\n  limen:project: demo\n"
SALTED = SHIPPED + "encryptionsalt: v1:abc\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A program with the configuration of a stack `dev` as it is shipped."""
    (tmp_path / "Pulumi.dev.yaml.example").write_text(SHIPPED)
    return tmp_path


def test_pulumi_writes_into_a_copy_that_goes_again(folder: Path) -> None:
    assert program.ensure_config(folder)
    copy = folder / "Pulumi.dev.yaml"
    copy.write_text(SALTED)
    assert program.ensure_config(folder), "the salt is no edit of anybody's"
    assert copy.read_text() == SALTED
    program.forget_config(folder)
    assert [path.name for path in folder.iterdir()] == ["Pulumi.dev.yaml.example"]


def test_what_somebody_edited_stays(folder: Path) -> None:
    copy = folder / "Pulumi.dev.yaml"
    copy.write_text(SALTED.replace("demo", "other"))
    assert not program.ensure_config(folder)
    program.forget_config(folder)
    assert copy.read_text() == SHIPPED.replace("demo", "other")


def test_no_file_that_make_up_writes_is_one_of_gits() -> None:
    config, shipped = program.config_files(program.PROGRAM, program.STACK)
    tracked = ["git", "ls-files", "--error-unmatch", str(shipped)]
    assert subprocess.run(tracked, cwd=ROOT, capture_output=True, check=False).returncode == 0
    for path in (config, config.with_suffix(".draft")):
        ignored = ["git", "check-ignore", "--quiet", str(path)]
        assert subprocess.run(ignored, cwd=ROOT, check=False).returncode == 0, path
