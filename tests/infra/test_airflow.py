"""What Airflow on one machine is told."""

import json
from pathlib import Path

import pytest

from infra.local.airflow import environment
from infra.local.paths import State


def test_lineage_goes_to_a_file_unless_another_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT", "OPENLINEAGE__TRANSPORT__TYPE"):
        monkeypatch.delenv(name, raising=False)
    state = State(tmp_path)
    state.make()
    transport = json.loads(environment(state, 1, 2)["OPENLINEAGE__TRANSPORT"])
    assert transport["type"] == "file"
    assert Path(transport["log_file_path"]).parent == tmp_path / "lineage"
    assert (tmp_path / "lineage").is_dir()
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "console")
    assert not [name for name in environment(state, 1, 2) if name.startswith("OPENLINEAGE")]
