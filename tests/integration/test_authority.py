"""limen-api of the main job: a second `make up` leaves it alone, unless its code is another one by then."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import postgres, processes
from tests.lab.demo import authority
from tests.lab.demo.authority import Authority
from tests.lab.demo.layout import Layout


@pytest.fixture
def limen(tmp_path: Path) -> Iterator[Authority]:
    """limen-api with a database of its own, without a host."""
    if os.geteuid() != 0:
        pytest.skip("the lab's PostgreSQL needs root: it runs as the user postgres in a mount namespace")
    layout = Layout(dot=tmp_path / "dot", name="unused")
    layout.dot.mkdir()
    with postgres.throwaway(tmp_path / "postgres") as cluster:
        made = Authority(layout, cluster.url_file)
        yield made
        made.down()


def test_it_is_restarted_when_its_code_has_changed(
    limen: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code.py"
    code.write_text("before")
    monkeypatch.setattr(authority, "SOURCES", (*authority.SOURCES, code))
    assert f"started limen-api on {limen.url}" in limen.up()
    assert limen.up() == []
    before = limen.service.process()

    code.write_text("after")

    (restarted,) = limen.up()
    assert restarted.startswith("restarted limen-api")
    assert not processes.alive(before)
    assert limen.works(limen.layout.administrator_token)
    assert limen.up() == []
