"""What an environment is known by: the same inputs are found again, others are built anew."""

import importlib.util
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "roles/wheelhouse/files/wheelhouse_build.py"


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("wheelhouse_build", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def inputs(build: ModuleType, tmp_path: Path) -> Any:
    """A small checkout."""
    for name in ("agent/limen", "pulumi/pulumi_limen", "pulumi/provider"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "agent/limen/cli.py").write_text("print('limen')\n")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "limen"\nversion = "1.2.3"\n')
    (tmp_path / "constraints.txt").write_text("rich==15.0.0\n")
    for name in ("README.md", "LICENSE"):
        (tmp_path / name).write_text(name)
    return build.Inputs(tmp_path, tmp_path / "constraints.txt", "3.11", (), "/opt/limen/venv")


def test_the_version_tells_the_state_of_the_sources(inputs: Any) -> None:
    before = inputs.version
    assert before.startswith("1.2.3+")
    (inputs.source / "agent/limen/cli.py").write_text("print('other')\n")
    assert inputs.version != before


@pytest.mark.parametrize(
    "left", ["agent/limen/__pycache__/cli.pyc", "agent/limen.egg-info/PKG-INFO", "pulumi/programs/x"]
)
def test_what_is_no_source_does_not_count(inputs: Any, left: str) -> None:
    before = inputs.key
    (inputs.source / left).parent.mkdir(parents=True)
    (inputs.source / left).write_text("left")
    assert inputs.key == before


@pytest.mark.parametrize(
    "change",
    [{"python": "3.12"}, {"extras": ("pulumi",)}, {"venv": "/opt/other"}],
    ids=lambda each: str(each),
)
def test_another_host_gets_another_environment(inputs: Any, change: dict[str, Any]) -> None:
    assert replace(inputs, **change).key != inputs.key


def test_other_pins_are_another_environment_of_the_same_version(inputs: Any) -> None:
    key, version = inputs.key, inputs.version
    inputs.constraints.write_text("rich==14.0.0\n")
    assert inputs.key != key
    assert inputs.version == version


def test_the_order_of_extras_means_nothing(inputs: Any) -> None:
    assert replace(inputs, extras=("a", "b")).key == replace(inputs, extras=("b", "a")).key


def test_check_mode_answers_and_writes_nothing(build: ModuleType, inputs: Any, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    answer = build.run(inputs, cache, check=True)
    assert answer["changed"] is True
    assert answer["version"] == inputs.version
    assert not cache.exists()


def test_what_is_in_the_cache_is_not_built_again(build: ModuleType, inputs: Any, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    inputs.archive(cache).touch()
    assert build.run(inputs, cache, check=False) == inputs.answer(cache, changed=False)


def test_a_failing_pip_is_one_error_with_its_last_words(build: ModuleType) -> None:
    with pytest.raises(build.BuildError, match="pip download failed") as caught:
        build.pip("download", "--no-index", "no-such-package-of-limens")
    assert "no-such-package-of-limens" in str(caught.value)


def test_files_are_roots_and_nobody_else_writes_them(build: ModuleType) -> None:
    member = tarfile.TarInfo("bin/limen")
    member.uid, member.mode = 1000, 0o770
    kept = build.owned_by_root(member)
    assert (kept.uid, kept.uname, kept.mode) == (0, "root", 0o755)
