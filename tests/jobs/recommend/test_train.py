"""Two nights through training, promotion and recommendations, with a separate lake and MLflow."""

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import pandas as pd
import pytest

from jobs.backfill.stale_days import stale_days
from jobs.platform import tracking
from jobs.platform.decisions import MODEL, Decision
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend import promote, recommendations, train
from models.recommend.registry import RECOMMENDERS
from tests.jobs.lake import insert_decisions
from tests.jobs.recommend.nights import FIRST, SECOND, USERS, VIDEOS, video, write_night, write_videos

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_two_nights(home: Path, spark: "SparkSession", capsys: pytest.CaptureFixture[str]) -> None:
    write_night(home, FIRST, before=False)
    write_night(home, SECOND, before=True)
    lists: dict[dt.date, tuple[list[str], str, pd.DataFrame]] = {}
    for date in (FIRST, SECOND, SECOND):  # the second run gives the same
        versions = []
        for name in RECOMMENDERS:
            train.main(["--date", str(date), "--model", name])
            versions.append(capsys.readouterr().out.strip())
        promote.main(["--date", str(date)])
        reason = capsys.readouterr().out.strip()
        recommendations.main(["--date", str(date)])
        rows = JobContext(date, settings()).lake.arrow("gold.recommendations").to_table().to_pandas()
        rows = rows[rows["date"] == date].sort_values(["user_id", "rank"]).reset_index(drop=True)
        result = (versions, reason, rows)
        if date in lists:
            assert lists[date][:2] == result[:2]
            pd.testing.assert_frame_equal(lists[date][2], rows)
        lists[date] = result

    versions, reason, rows = lists[FIRST]
    assert "no model can be evaluated on this night" in reason
    assert set(rows["model_version"]) == {versions[0]}
    assert rows["user_id"].nunique() == USERS
    assert rows["rank"].max() < VIDEOS

    first, second = (
        {v.family: v for v in tracking.candidates(settings(), "recommender", night=d, families=list(RECOMMENDERS))}
        for d in (FIRST, SECOND)
    )
    assert all("ndcg_at_20" not in v.metrics for v in first.values())
    assert all(v.metrics["judged_users"] > USERS / 4 for v in second.values())
    assert second["ease"].metrics["ndcg_at_20"] > 1.5 * second["popularity"].metrics["ndcg_at_20"]

    file = tracking.artifact(settings(), "recommend/promote", SECOND, "verdict.json")
    assert file is not None
    recorded = json.loads(file.read_text())
    assert recorded["reason"] == lists[SECOND][1]
    assert recorded["champion"] == versions[0]
    assert set(recorded["metrics"]) == {versions[0], *lists[SECOND][0]}
    assert all("coverage_at_20" in metrics for metrics in recorded["metrics"].values())

    # An operator keeps the champion after the night: the recommendations are stale until the night runs again.
    made_at = dt.datetime(2022, 5, 3, tzinfo=dt.UTC)
    insert_decisions(home, Decision(SECOND, MODEL, "recommender", "anna", "too few creators", made_at))
    stale = [(s.night, s.reasons) for s in stale_days(settings(), SECOND) if s.table == "gold.recommendations"]
    assert stale == [(SECOND, ("the decision on model of recommender was made",))]
    promote.main(["--date", str(SECOND)])
    assert capsys.readouterr().out.strip() == f"{versions[0]} stays, as anna decided: too few creators"
    recommendations.main(["--date", str(SECOND)])
    kept = JobContext(SECOND, settings()).lake.arrow("gold.recommendations").to_table().to_pandas()
    assert set(kept["model_version"]) == {versions[0]}
    assert "gold.recommendations" not in {s.table for s in stale_days(settings(), SECOND)}

    loaded = mlflow.pyfunc.load_model(f"models:/recommender/{second['als'].number}")
    shown = loaded.predict(pd.DataFrame({"video_ids": [[video(0), video(4)], [12345]]}))
    assert [len(row) for row in shown["video_ids"]] == [20, 20]
    assert video(0) not in shown["video_ids"][0]


def test_errors_name_the_missing_input(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_videos(home, FIRST)
    for date in (FIRST, SECOND):
        with pytest.raises(SystemExit) as ended:
            train.main(["--date", str(date), "--model", "als"])
        assert ended.value.code == 66
        assert (
            "gold.daily_interactions" if date == FIRST else "silver.videos"
        ) in capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(SystemExit) as ended, run_job(["--date", str(FIRST)], "doc") as night:
        promote.promote(night)
    assert ended.value.code == 66
