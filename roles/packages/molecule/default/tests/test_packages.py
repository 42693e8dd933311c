"""Packages are installed whatever the lists are like."""

from testinfra.host import Host

from tests.molecule.outside import converge, words

LISTS = "/var/lib/apt/lists"


def test_empty_lists_that_are_new_are_not_believed(host: Host) -> None:
    assert host.package("hello").is_installed


def test_a_package_that_the_mirror_no_longer_has_is_found_by_new_lists(host: Host) -> None:
    host.run_test("apt-get purge --yes hello && apt-get clean")
    # As if the lists were those of an older mirror: they name a file that is not there.
    renamed = f"sed -i -E 's#^(Filename: .*/hello_)#\\1gone_#' {LISTS}/*_Packages"
    host.run_test(f"{renamed} && rm -f {LISTS}/*InRelease /var/cache/apt/*.bin")
    assert host.run("apt-get install --yes hello").rc != 0, "or this shows nothing"
    done = converge("packages")
    assert done.returncode == 0, done.stdout
    assert host.package("hello").is_installed


def test_a_package_that_nobody_has_is_named(host: Host) -> None:
    done = converge("packages", packages_names=["no-such-package"])
    assert done.returncode != 0
    assert "no-such-package" in words(done)
