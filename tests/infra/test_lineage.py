"""Where lineage goes on one machine, and what Spark tells of a job: by which columns of its inputs a column is made."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local import airflow, lineage
from infra.local.paths import State
from jobs.platform.settings import settings
from tests.infra.connect_server import connect_server
from tests.jobs.ingest.nights import MAY_1, line, write_landing

NAMES = (
    "OPENLINEAGE_URL",
    "OPENLINEAGE_API_KEY",
    "OPENLINEAGE_CONFIG",
    "OPENLINEAGE__TRANSPORT",
    "OPENLINEAGE__TRANSPORT__TYPE",
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    where = State(tmp_path)
    where.make()
    return where


def test_it_goes_to_files_unless_another_place_is_named(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = json.loads(lineage.environment(state)["OPENLINEAGE__TRANSPORT"])
    assert transport["type"] == "file"
    assert {Path(transport[key]).parent for key in ("log_file_path", "location")} == {state.lineage}
    assert state.lineage.is_dir()
    assert airflow.environment(state, 1, 2).items() >= lineage.environment(state).items()
    assert lineage.spark_environment(state) == lineage.environment(state)
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "console")
    assert lineage.environment(state) == lineage.spark_environment(state) == {}


def test_spark_is_told_of_the_address_that_only_python_reads(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://lineage:5000")
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "secret")
    assert lineage.environment(state) == {}
    assert json.loads(lineage.spark_environment(state)["OPENLINEAGE__TRANSPORT"]) == {
        "type": "http",
        "url": "http://lineage:5000",
        "auth": {"type": "api_key", "apiKey": "secret"},
    }


def test_spark_tells_which_columns_a_column_is_made_from(state: State, home: Path) -> None:
    write_landing(home, [line(user_id=number) for number in range(5)])
    with connect_server(state) as (_, address):  # which at its end sends what it has not sent yet
        environment = os.environ | {"SPARK_REMOTE": address} | lineage.environment(state)
        for job in ("ingest.behavior_log", "ingest.behavior_events", "features.daily_interactions"):
            command = [sys.executable, "-m", f"jobs.{job}", "--date", str(MAY_1)]
            subprocess.run(command, env=environment, check=True)

    ours, sparks = ([json.loads(event) for event in file.open()] for file in sorted(state.lineage.iterdir()))
    events, daily_interactions = ("silver.behavior_events", "gold.daily_interactions")
    made = {
        place["name"]: (place, event)
        for event in sparks
        if event["eventType"] == "COMPLETE"
        for place in event["outputs"]
    }
    place, event = made[settings().uri(daily_interactions)]
    assert [place["name"] for place in event["inputs"]] == [settings().uri(events)]
    assert event["job"]["namespace"] == "nightreel"
    assert place["facets"].keys() == {"columnLineage"}
    columns = place["facets"]["columnLineage"]["fields"]
    assert [source["field"] for source in columns["user_id"]["inputFields"]] == ["user_id"]
    assert {source["field"] for source in columns["strength_millionths"]["inputFields"]} >= {"play_time_ms", "is_like"}
    # A place has one name, whoever tells of it.
    assert made.keys() >= {place["name"] for event in ours for place in event["outputs"]}
