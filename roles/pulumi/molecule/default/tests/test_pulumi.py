"""What the role leaves behind: Pulumi for any user of the machine."""

import pytest

PROJECT = "name: probe\nruntime: python\n"
# Needs Limen's SDK, and reaches for neither API nor libvirt.
PROGRAM = "import pulumi, pulumi_limen\npulumi.export('answer', 42)\n"


@pytest.fixture(scope="module")
def debian(host):
    """A folder with a program of an ordinary user's, and how that user runs a command in it."""
    folder = "/home/debian/probe"

    def run(command):
        with host.sudo("debian"):
            return host.run(f"cd {folder} && HOME=/home/debian {command}")

    with host.sudo("debian"):
        host.check_output(f"mkdir -p {folder}/state")
        for name, text in (("Pulumi.yaml", PROJECT), ("__main__.py", PROGRAM)):
            host.check_output(f'printf "%b" "{text.encode("unicode_escape").decode()}" >{folder}/{name}')
    return run


def test_cli_says_its_version(debian):
    answer = debian("pulumi version")
    assert answer.rc == 0, answer.stderr
    assert answer.stdout.startswith("v3.")


def test_plugins_are_there_for_every_user(debian):
    listing = debian("pulumi plugin ls").stdout
    assert "libvirt" in listing
    assert "limen" in listing


def test_program_with_the_sdk_is_previewed(debian):
    settings = "PULUMI_BACKEND_URL=file:///home/debian/probe/state PULUMI_CONFIG_PASSPHRASE=x"
    made = debian(f"{settings} pulumi stack select --create dev --non-interactive")
    assert made.rc == 0, made.stderr
    preview = debian(f"{settings} pulumi preview --non-interactive")
    assert preview.rc == 0, preview.stdout + preview.stderr
    assert "answer" in preview.stdout
    assert "warning" not in preview.stdout + preview.stderr


def test_limens_plugin_starts(host):
    """It is part of the environment, and finds Debian's libvirt-python there."""
    found = host.run("/opt/limen/pulumi/venv/bin/python -P -c 'import limen_provider.servicer, libvirt'")
    assert found.rc == 0, found.stderr


def test_command_limen_is_there(debian):
    assert debian("limen --help").rc == 0
