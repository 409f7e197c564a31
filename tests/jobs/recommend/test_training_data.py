"""A night whose interactions do not fit into the memory of one process is trained, evaluated and served on Spark's executors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.platform import tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend import promote, recommendations, spark_als, train
from jobs.recommend.catalogue import read_catalogue
from jobs.recommend.in_memory import InMemory
from jobs.recommend.on_executors import OnExecutors
from jobs.recommend.training_data import training_data
from models.recommend.als import Als
from models.recommend.popularity import Popularity
from models.recommend.recommender import NothingToLearn
from models.recommend.registry import RECOMMENDERS, load_recommender
from tests.jobs.lake import insert_rows
from tests.jobs.recommend.nights import SECOND, VIDEOS, interaction_rows, write_night, write_videos

LIMIT = "NIGHTREEL_PAIRS_IN_MEMORY"
ROWS = len(interaction_rows(SECOND, before=True))


def context() -> JobContext:
    return JobContext(SECOND, settings(), trains="recommender")


@contextmanager
def received(frame: type[DataFrame]) -> Iterator[list[pa.Table]]:
    """What this process gets of data frames, which have no other method to fetch rows meanwhile."""
    tables: list[pa.Table] = []
    to_arrow = frame.toArrow

    def recorded(of: DataFrame) -> pa.Table:
        tables.append(to_arrow(of))
        return tables[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "toArrow", recorded)
        for method in ("collect", "toLocalIterator", "toPandas"):
            patch.delattr(frame, method)
        yield tables


def test_the_pairs_stay_on_the_executors(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_night(home, SECOND, before=True)
    monkeypatch.setenv(LIMIT, str(ROWS - 1))
    monkeypatch.setattr(spark_als, "EPOCHS", 3)  # enough for so few pairs
    for job in (train, promote):
        monkeypatch.setattr(job, "RECOMMENDERS", {name: RECOMMENDERS[name] for name in ("als", "ease")})
    with received(type(spark.range(1))) as tables:
        for name in ("als", "ease"):
            train.main(["--date", str(SECOND), "--model", name])
    trained, other = capsys.readouterr().out.splitlines()
    limit = f"{LIMIT} is {ROWS - 1}"
    assert (
        other == f"ease is not trained: {ROWS} rows of interactions, and {limit}; Spark trains only als and popularity"
    )
    assert 0 < max(table.num_rows for table in tables) <= VIDEOS + 30 < ROWS
    assert not {"user", "user_id"} & {column for table in tables for column in table.column_names}

    promote.main(["--date", str(SECOND)])
    recommendations.main(["--date", str(SECOND)])
    assert capsys.readouterr().out.startswith(f"there is no champion yet; {trained} ")
    rows = JobContext(SECOND, settings()).lake.arrow("gold.recommendations").to_table()
    assert set(rows["model_version"].to_pylist()) == {trained}
    (version,) = tracking.candidates(settings(), "recommender", night=SECOND, families=["als"])
    runs = mlflow.search_runs(search_all_experiments=True, filter_string="params.trained_in = 'executors'")
    assert len(runs) == 1

    videos, model = read_catalogue(context()), load_recommender(tracking.download(settings(), version))
    video_ids = np.array([1, *videos.video_ids[1:]])  # the model's first video is no longer offered
    with training_data(context(), videos) as executors:
        assert isinstance(executors, OnExecutors)
        judged_there, sizes = executors.evaluate(model, video_ids), executors.sizes()
        popular_there = [executors.fit(Popularity, before=before) for before in (True, False)]
    monkeypatch.setenv(LIMIT, str(ROWS))
    with training_data(context(), videos) as memory:
        assert isinstance(memory, InMemory)
        assert memory.sizes() == sizes
        judged_here = memory.evaluate(model, video_ids)
        for there, before in zip(popular_there, (True, False), strict=True):
            np.testing.assert_array_equal(there.trend, memory.fit(Popularity, before=before).trend)
        als = memory.evaluate(memory.fit(Als, before=True), videos.video_ids)
    assert judged_there is not None
    assert judged_here is not None
    assert als is not None
    assert judged_there.metrics == pytest.approx(judged_here.metrics)
    assert judged_there.ndcg_by_cutoff == pytest.approx(judged_here.ndcg_by_cutoff)
    np.testing.assert_array_equal(judged_there.shown, judged_here.shown)
    np.testing.assert_array_equal(judged_there.watchers, judged_here.watchers)
    assert version.metrics["ndcg_at_20"] > als.metrics["ndcg_at_20"] - 0.05


def test_a_night_of_dislikes_teaches_nothing(home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    write_videos(home, SECOND)
    disliked = {"strength_millionths": -1_000_000, "long_views": 0}
    insert_rows(home, "gold.daily_interactions", [row | disliked for row in interaction_rows(SECOND, before=True)])
    monkeypatch.setenv(LIMIT, "0")
    with training_data(context(), videos := read_catalogue(context())) as executors:
        with pytest.raises(NothingToLearn, match="no interaction has a positive strength"):
            executors.fit(Als)
        with pytest.raises(NothingToLearn, match="no video had a long view in the last days"):
            executors.fit(Popularity)
        assert executors.evaluate(Als().fit(np.ones((2, VIDEOS))), videos.video_ids) is None
