"""Sources out of the machine's apt configuration."""

from tests.lab.aptconf import Source, of_suite, parse_targets

LISTING = """\
http://mirror.test/debian/|bookworm|main
http://mirror.test/debian/|bookworm|contrib
http://mirror.test/debian/|bookworm|main
https://mirror.test/security/|bookworm-security|main
http://mirror.test/debian/|trixie|main
http://other.test/apt/|bookwormish|main
"""


def test_every_archive_of_the_suite_is_taken_once_and_no_other() -> None:
    assert [source.line for source in parse_targets(LISTING, "bookworm")] == [
        "deb http://mirror.test/debian bookworm main",
        "deb http://mirror.test/debian bookworm contrib",
        "deb https://mirror.test/security bookworm-security main",
    ]


def test_a_suite_that_the_machine_has_not_comes_from_the_mirror_of_its_own() -> None:
    own = LISTING.replace("http://mirror.test/debian/|trixie|main\n", "")
    assert [source.line for source in of_suite(own, "trixie", "bookworm")] == [
        "deb http://mirror.test/debian trixie main",
        "deb http://mirror.test/debian trixie contrib",
        "deb https://mirror.test/security trixie-security main",
    ]
    assert [source.line for source in of_suite(LISTING, "trixie", "bookworm")] == [
        "deb http://mirror.test/debian trixie main"
    ]
    assert of_suite(own, "trixie", "") == []


def test_guests_ask_the_proxy_for_https_archives_in_its_own_way() -> None:
    secure = Source("https://mirror.test/debian", "bookworm", "main")
    assert secure.through_proxy().uri == "http://HTTPS///mirror.test/debian"
    plain = Source("http://mirror.test/debian", "bookworm", "main")
    assert plain.through_proxy() == plain
