"""Two nights through training and promotion, on a real lake and MLflow."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from jobs.ads import REGISTERED_MODEL, promote, train
from jobs.ads.examples import ExampleStream
from jobs.ads.judgement import judge
from jobs.ads.time_split import night_split
from jobs.platform import tracking
from jobs.platform.decisions import MODEL, Decision
from jobs.platform.errors import MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from models.ads.registry import CLICK_MODELS, load_click_model
from tests.jobs.ads.nights import FIRST, ROWS, SECOND, write_examples
from tests.jobs.lake import insert_decisions


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """State folder with both nights trained and judged."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTREEL_HOME", str(home))
        patch.setenv("NIGHTREEL_PSEUDONYM_KEY", "0a" * 32)
        for name in ("NIGHTREEL_LAKE", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        for date in (FIRST, SECOND):
            write_examples(home, date)
            for model in CLICK_MODELS:
                train.main(["--date", str(date), "--model", model])
            promote.main(["--date", str(date)])
        yield home


def _run(name: str) -> mlflow.entities.Run:
    mlflow.set_tracking_uri(settings().mlflow_uri)
    (run,) = mlflow.search_runs(
        search_all_experiments=True, filter_string=f"attributes.run_name = '{name}'", output_format="list"
    )
    return run


def _artifact(run: mlflow.entities.Run, name: str) -> Path:
    return Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name))


@pytest.mark.parametrize("model", sorted(CLICK_MODELS))
def test_a_training_run_has_params_metrics_inputs_and_plots(nights: Path, model: str) -> None:
    run = _run(f"{model} {SECOND}")
    assert run.info.status == "FINISHED"
    assert run.data.params["split"] == f"trained on {FIRST} to {FIRST}, judged on {SECOND}"
    assert run.data.tags["input.gold.ctr_examples"] == "1"
    metrics = run.data.metrics
    assert {
        "auc",
        "gauc",
        "log_loss",
        "calibration",
        "ece",
        "calibration_error_tab",
        "holdout_log_loss",
    } <= metrics.keys()
    assert metrics["auc"] > 0.75
    assert metrics["gauc"] > 0.75
    assert 0.8 < metrics["calibration"] < 1.25
    assert metrics["examples_judged"] == ROWS
    steps = mlflow.MlflowClient().get_metric_history(run.info.run_id, "holdout_log_loss")
    assert sorted(step.step for step in steps) == list(range(1, len(steps) + 1))
    for plot in ("loss.png", "calibration.png", "comparison.png"):
        assert _artifact(run, plot).read_bytes().startswith(b"\x89PNG")
    by_field = json.loads(_artifact(run, "calibration_by_field.json").read_text())
    assert sum(part["impressions"] for part in by_field["tab"]) == ROWS


def test_a_first_night_is_judged_on_its_last_part(nights: Path) -> None:
    run = _run(f"dcn_v2 {FIRST}")
    assert "first 80%" in run.data.params["split"]
    assert run.data.metrics["examples_judged"] == ROWS // 5


def test_mlflow_loads_a_registered_model_with_the_same_predictions(nights: Path) -> None:
    for version in tracking.candidates(settings(), REGISTERED_MODEL, night=SECOND, families=sorted(CLICK_MODELS)):
        model = load_click_model(tracking.download(settings(), version))
        loaded = mlflow.pyfunc.load_model(f"models:/{version.name}/{version.number}")
        example = loaded.input_example
        assert isinstance(example, pd.DataFrame)
        assert loaded.metadata.signature is not None
        assert set(loaded.metadata.get_input_schema().input_names()) == set(model.fields.names)
        np.testing.assert_allclose(loaded.predict(example), model.predict_proba(model.encoder.typical()))


def test_no_artifact_is_a_pickle(nights: Path) -> None:
    suffixes = {path.suffix for path in (nights / "mlartifacts").rglob("*") if path.is_file()}
    assert ".safetensors" in suffixes
    assert not suffixes & {".pkl", ".pickle", ".pt", ".pth", ".bin"}


def test_the_decision_is_recorded_with_metrics(nights: Path) -> None:
    first, second = (
        json.loads(_artifact(_run(f"promote {date}"), "verdict.json").read_text()) for date in (FIRST, SECOND)
    )
    assert first["champion"] is None
    assert first["promoted"] in first["metrics"]
    assert second["champion"] == first["promoted"]
    assert len(second["metrics"]) == 3
    serving = tracking.serving(settings(), REGISTERED_MODEL, night=SECOND)
    assert serving.version == (second["promoted"] or first["promoted"])


def test_running_a_night_again_changes_nothing(nights: Path) -> None:
    def versions() -> list[tuple[str, bool]]:
        return [
            (version.version, version.promoted)
            for date in (FIRST, SECOND)
            for version in tracking.candidates(settings(), REGISTERED_MODEL, night=date, families=sorted(CLICK_MODELS))
        ]

    before = versions()
    verdict = promote.promote(JobContext(SECOND, settings()))
    train.main(["--date", str(SECOND), "--model", "logistic_regression"])
    promote.main(["--date", str(FIRST)])
    assert versions() == before
    assert promote.promote(JobContext(SECOND, settings())) == verdict
    assert _run(f"logistic_regression {SECOND}").data.metrics["examples_judged"] == ROWS


def test_the_champion_stays_until_the_decision_is_withdrawn(nights: Path) -> None:
    before = promote.promote(JobContext(SECOND, settings()))
    made_at = dt.datetime(2022, 5, 3, tzinfo=dt.UTC)
    stays = Decision(SECOND, MODEL, REGISTERED_MODEL, "anna", "an experiment runs", made_at)
    insert_decisions(nights, stays)
    (first,) = [v.version for v in tracking.history(settings(), FIRST, FIRST) if v.promoted and v.name == stays.subject]
    assert (
        promote.promote(JobContext(SECOND, settings())).reason == f"{first} stays, as anna decided: an experiment runs"
    )
    assert tracking.serving(settings(), REGISTERED_MODEL, night=SECOND).version == first
    insert_decisions(nights, replace(stays, withdrawn=True, made_at=made_at + dt.timedelta(hours=1)))
    assert promote.promote(JobContext(SECOND, settings())) == before


def test_the_published_model_is_trained_on_the_night_but_the_judged_one_is_not(home: Path) -> None:
    """The night inverts all effects, so only a model trained on it predicts it."""
    write_examples(home, FIRST, rows=400)
    write_examples(home, SECOND, sign=-1.0)
    night = JobContext(SECOND, settings())
    train.train(night, "logistic_regression")
    run = _run(f"logistic_regression {SECOND}")
    (version,) = tracking.candidates(settings(), REGISTERED_MODEL, night=SECOND, families=["logistic_regression"])
    published = load_click_model(tracking.download(settings(), version))
    judgement = judge(published, night_split(night).judged)
    assert run.data.metrics["auc"] < 0.4
    assert judgement.metrics()["auc"] > 0.6


def test_a_stream_can_be_iterated_repeatedly(home: Path) -> None:
    rows = write_examples(home, FIRST)
    stream = night_split(JobContext(FIRST, settings())).judged
    assert isinstance(stream, ExampleStream)
    assert sum(len(labels) for _, labels in stream) == sum(len(labels) for _, labels in stream) == ROWS // 5
    last = sorted(rows, key=lambda row: row["time_ms"])[-ROWS // 5 :]
    assert sum(int(labels.sum()) for _, labels in stream) == sum(row["label"] for row in last)


def test_a_night_without_examples_is_a_missing_input(home: Path) -> None:
    write_examples(home, FIRST)
    with pytest.raises(
        MissingInput, match=r"gold.ctr_examples has no rows for 2022-05-02; run python -m jobs.features.ctr_examples"
    ):
        train.train(JobContext(SECOND, settings()), "dcn_v2")


def test_an_unknown_model_is_a_usage_error(home: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        train.main(["--date", str(dt.date(2022, 5, 1)), "--model", "oracle"])
    assert ended.value.code == 64
