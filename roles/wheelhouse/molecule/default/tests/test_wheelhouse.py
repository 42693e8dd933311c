"""Limen runs from the environment, which has all it needs and sees Debian's packages."""

from testinfra.host import Host

VENV = "/opt/limen/venv"


def test_the_command_runs_and_tells_which_build_it_is(host: Host) -> None:
    assert host.run(f"{VENV}/bin/limen --help").rc == 0
    version = host.check_output(
        f"{VENV}/bin/python -c 'from importlib.metadata import version; print(version(\"limen\"))'"
    )
    assert "+" in version


def test_it_is_compiled_in_advance(host: Host) -> None:
    code = "import importlib.util as u, limen.cli as m; print(u.cache_from_source(m.__file__))"
    cached = host.check_output(f"{VENV}/bin/python -c %s", code)
    assert cached.startswith(VENV)
    assert host.file(cached).exists


def test_nobody_but_root_changes_it(host: Host) -> None:
    assert host.check_output(f"find {VENV}/ ! -user root -o -perm /022 ! -type l") == ""


def test_debians_packages_are_seen(host: Host) -> None:
    assert host.check_output(f"{VENV}/bin/python -c 'import apt_pkg; print(apt_pkg.__file__)'").startswith(
        "/usr/lib"
    )


def test_one_environment_is_there_and_no_archive(host: Host) -> None:
    target = host.file(VENV).linked_to
    assert host.check_output(f"ls -A {VENV}.d") == target.rsplit("/", 1)[1]
