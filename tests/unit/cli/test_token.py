"""`limen token create`: where the token goes."""

import os
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import Run


def test_a_token_file_is_private_and_replaced_whole(run: Run, api: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    file.chmod(0o644)
    api["create_token"] = {"id": "1", "token": "limen_new"}
    code, out, err = run(
        "token", "create", "ada", "--scope", "quota:check,claims:write", "--output", str(file)
    )
    assert code == 0
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("limen_new\n", 0o600)
    assert "limen_new" not in out + err
    assert os.listdir(tmp_path) == ["token"]
    assert api["calls"][0][1][1] == ["quota:check", "claims:write"]


def test_a_token_without_a_file_goes_to_standard_output_alone(run: Run, api: dict[str, Any]) -> None:
    api["create_token"] = {"id": "1", "token": "limen_new"}
    _, out, err = run("token", "create", "ada", "--scope", "quota:check")
    assert out == "limen_new\n"
    assert "limen_new" not in err


def test_no_token_is_issued_when_its_file_has_no_folder(
    run: Run, api: dict[str, Any], tmp_path: Path
) -> None:
    code, _, _ = run("token", "create", "ada", "--scope", "admin", "--output", str(tmp_path / "no" / "token"))
    assert code == 2
    assert api["calls"] == []
