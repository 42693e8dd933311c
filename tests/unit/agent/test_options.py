"""A flag goes before its variable, that before the file; wrong values are named with where they stand."""

from pathlib import Path

import pytest

from limen.agent.main import resolve
from limen.agent.settings import SettingsError, control_plane
from limen.listening import Listen


def _file(folder: Path, text: str) -> Path:
    file = folder / "agent.toml"
    file.write_text(text)
    return file


def test_precedence(tmp_path: Path) -> None:
    file = _file(tmp_path, 'scrape_timeout = 1\nlog_level = "error"\nlisten = "127.0.0.1:1"\n')

    values = resolve(
        {"scrape_timeout": "3"}, {"LIMEN_AGENT_SCRAPE_TIMEOUT": "2", "LIMEN_AGENT_LISTEN": "[::1]:2"}, file
    )

    assert values["scrape_timeout"] == 3.0
    assert values["listen"] == Listen("::1", 2)
    assert values["log_level"] == "error"
    assert values["libvirt_uri"] == "auto"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense = 1", "nonsense"),
        ("scrape_timeout = true", "must be text in quotes or a number"),
        ("scrape_timeout = 0", "scrape_timeout in .*must be from 0.1"),
        ("scrape_timeout = ", "no TOML"),
        ('log_level = "loud"', "must be one of debug"),
        ('listen = "9000"', "no address to listen on"),
    ],
)
def test_what_is_wrong_in_the_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        resolve({}, {}, _file(tmp_path, text))


def test_nan_is_no_time() -> None:
    with pytest.raises(SettingsError, match="LIMEN_AGENT_SCRAPE_TIMEOUT"):
        resolve({}, {"LIMEN_AGENT_SCRAPE_TIMEOUT": "nan"}, None)


def test_a_control_plane_needs_a_token() -> None:
    with pytest.raises(SettingsError, match="--api-token-file"):
        control_plane("https://limen.example", None, None, None)
