"""What is published is told as OpenLineage events, which name inputs and outputs with their versions."""

import datetime as dt
import json
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openlineage.client.generated
import pytest
from openlineage.client.serde import Serde

from jobs.ingest import behavior_events, behavior_log, users
from jobs.platform.lake.history import Publication, latest
from jobs.platform.lineage import emit
from jobs.platform.lineage_event import lineage_event
from jobs.platform.settings import settings
from tests.jobs.ingest.nights import MAY_1, line, write_landing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PARENT = "nightreel/nightly.ingest.behavior_events/01949b1f-6f2c-7a3e-8c55-0f7d3c2b1a00"


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE_NAMESPACE", "OPENLINEAGE_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # whose ~/.openlineage counts


def hold_to_the_specification(facets: dict[str, Any]) -> None:
    """Facets are objects of the classes that OpenLineage generates from the JSON schema they name."""
    classes: dict[str, Any] = {}
    for module in pkgutil.iter_modules(openlineage.client.generated.__path__, "openlineage.client.generated."):
        for facet in vars(import_module(module.name)).values():
            if hasattr(facet, "_get_schema"):
                classes[facet._get_schema()] = facet
    for facet in facets.values():
        content = {name: value for name, value in facet.items() if not name.startswith("_")}
        assert facet["_producer"]
        classes[facet["_schemaURL"]](**content)  # a field that the schema lacks, or wants, is a TypeError


def events(file: Path) -> dict[str, dict[str, Any]]:
    """Job -> its event."""
    return {event["job"]["name"]: event for event in map(json.loads, file.read_text().splitlines())}


def versions(datasets: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {(d["namespace"], d["name"]): d["facets"]["version"]["datasetVersion"] for d in datasets}


def test_a_small_night_tells_what_it_read_and_made(
    home: Path, spark: "SparkSession", monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = home / "lineage.jsonl"
    transport = {"type": "file", "log_file_path": str(sink), "append": True}
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    monkeypatch.setenv("NIGHTREEL_RUN_ID", "nightly/manual/a_task")
    landed = write_landing(home, [line(video_id=video) for video in (1, 2, 3)])
    behavior_log.main(["--date", str(MAY_1)])
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", PARENT)
    behavior_events.main(["--date", str(MAY_1)])
    users.main(["--date", str(MAY_1)])

    told = events(sink)
    bronze, silver = (("file", f"{home}/lake/{table}") for table in ("bronze/behavior_log", "silver/behavior_events"))
    assert set(told) == {"bronze.behavior_log", "silver.behavior_events", "silver.users"}
    assert list(versions(told["silver.users"]["inputs"])) == [("file", f"{home}/landing/users/{landed.name}")]
    of_landing = versions(told["bronze.behavior_log"]["inputs"])
    assert list(of_landing) == [("file", str(landed))]
    assert versions(told["bronze.behavior_log"]["outputs"]) == {bronze: "1"}
    event = told["silver.behavior_events"]
    assert versions(event["inputs"]) == {bronze: "1"}
    assert versions(event["outputs"]) == {silver: "1"}
    assert event["eventType"] == "COMPLETE"
    (output,) = event["outputs"]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assert {"name": "video_id", "type": "bigint", "description": "Video that was shown."} in [
        {name: field[name] for name in ("name", "type", "description")}
        for field in output["facets"]["schema"]["fields"]
    ]
    assert output["facets"]["symlinks"]["identifiers"][0]["name"] == "silver.behavior_events"
    run = event["run"]["facets"]
    assert run["nominalTime"]["nominalStartTime"] == "2022-05-01T00:00:00+08:00"
    assert run["parent"]["run"]["runId"] == PARENT.rpartition("/")[2]
    assert "/".join(run["parent"]["job"][name] for name in ("namespace", "name")) == PARENT.rpartition("/")[0]
    assert {"key": "run", "value": "nightly/manual/a_task", "source": "nightreel"} in run["tags"]["tags"]
    for dataset in (*event["inputs"], *event["outputs"]):
        hold_to_the_specification({**dataset["facets"], **dataset.get("outputFacets", {})})
    hold_to_the_specification({name: facet for name, facet in run.items() if name != "parent"})

    transport["log_file_path"] = str(home / "no" / "such" / "folder" / "lineage.jsonl")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", json.dumps(transport))
    behavior_events.main(["--date", str(MAY_1)])  # cannot be told, and is published all the same
    assert latest(str(home / "lake" / "silver" / "behavior_events"))[MAY_1].version == 2
    assert len(sink.read_text().splitlines()) == 3


def test_object_stores_and_models_have_names_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTREEL_LAKE", "s3a://bucket/lake")
    made_by = {
        "run": "manual",
        "code": "c0de",
        "inputs": {"gold.daily_interactions": 4},
        "landed": {},
        "model": "als-1",
    }
    made_at = dt.datetime(2022, 5, 2, tzinfo=dt.UTC)
    publication = Publication(7, made_at, MAY_1, "2022-05-01-a", 10, "0" * 16, {"a.parquet": "0" * 64}, made_by)
    event = json.loads(Serde.to_json(lineage_event(settings(), "gold.recommendations", publication)))
    assert versions(event["outputs"]) == {("s3://bucket", "lake/gold/recommendations"): "7"}
    assert versions(event["inputs"]) == {
        ("s3://bucket", "lake/gold/daily_interactions"): "4",
        ("mlflow", "als-1"): "als-1",
    }


def test_nothing_is_sent_where_nothing_is_configured(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(home)
    without_inputs = Publication(0, dt.datetime.now(dt.UTC), MAY_1, "a", 0, "", {}, {})  # which no event can be made of
    emit(settings(), "gold.recommendations", without_inputs)
    assert not caplog.records
    (home / "openlineage.yml").write_text("transport: {type: console}")
    emit(settings(), "gold.recommendations", without_inputs)
    assert "the lineage of 2022-05-01 could not be sent" in caplog.text
