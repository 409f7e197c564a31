"""Trains and evaluates recommenders on Spark's executors.

Users are judged in blocks by Python workers, which load the model as those of gold.recommendations do. This process gets only
item factors and sums by video or by metric, so its memory depends on the catalogue and not on the number of users or pairs.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.platform import model_files
from jobs.platform.job_context import JobContext
from jobs.platform.tracking import CannotTrain
from jobs.recommend import spark_als
from jobs.recommend.catalogue import Catalogue, load_catalogue, load_columns, positions, save_catalogue, save_columns
from jobs.recommend.interactions import RECENT_DAYS, to_interactions
from jobs.recommend.interactions_as_of import interactions_as_of
from models.recommend.als import Als
from models.recommend.evaluation import Evaluation, Totals, evaluation, judge
from models.recommend.popularity import Popularity
from models.recommend.recommender import NothingToLearn, Recommender
from models.recommend.registry import load_recommender
from models.recommend.trend import CAP, EXPONENT, trend_of_sums

_BLOCK_USERS = 4096
_BUCKETS = 1024
_TOTALS = "name string, item int, total bigint"
_SHOWN, _JUDGED = "shown", "judged_users"
_BILLION = 1_000_000_000  # sums of billionths are exact in any order


@contextmanager
def on_executors(context: JobContext, videos: Catalogue, rows: int) -> Iterator["OnExecutors"]:
    """Compute the night's interactions once, and keep them on the executors within the block.

    Args:
        context: of the job.
        videos: the night's catalogue.
        rows: about how many pairs of a user and a video there are.

    Raises:
        MissingInput: gold.daily_interactions lacks a day of the window.
    """
    columns = pa.table({"video_id": videos.video_ids, "item": np.arange(len(videos.video_ids), dtype=np.int32)})
    offered = interactions_as_of(context).join(F.broadcast(context.spark.createDataFrame(columns)), "video_id")
    # MLlib requires users to be numbers. These depend on nothing but the users, and need no sort of all of them.
    bucket = F.pmod(F.xxhash64("user_id"), F.lit(_BUCKETS))
    rank = F.dense_rank().over(Window.partitionBy(bucket).orderBy("user_id"))
    known = offered.withColumn("user", (rank * _BUCKETS + bucket).cast("int")).persist()
    try:
        yield OnExecutors(context, videos, rows, known)
    finally:
        known.unpersist()


class OnExecutors:
    """See `TrainingData`.

    Args:
        known: rows of `interactions_as_of` with offered videos, and the numbers `user` and `item` (the column of the video).
    """

    def __init__(self, context: JobContext, videos: Catalogue, rows: int, known: DataFrame) -> None:
        self._context, self._videos, self._rows, self._known = context, videos, rows, known

    @property
    def params(self) -> dict[str, object]:
        """How models are fitted, for MLflow."""
        return {
            "trained_in": "executors",
            "spark_regularization": spark_als.REGULARIZATION,
            "spark_epochs": spark_als.EPOCHS,
        }

    def sizes(self) -> dict[str, int]:
        """Return the number of users and of pairs."""
        row = self._known.agg(F.count_distinct("user").alias("users"), F.count("*").alias("pairs")).toArrow()
        return {name: row[name][0].as_py() for name in row.column_names}

    def fit(self, kind: type[Recommender], *, before: bool = False) -> Recommender:
        """Fit a model of ALS or of popularity."""
        model = kind()
        if isinstance(model, Als):
            return self._fit_als(model, "strength_before" if before else "strength")
        if isinstance(model, Popularity):
            return self._fit_popularity(model, before)
        limit = f"NIGHTREEL_PAIRS_IN_MEMORY is {self._context.settings.pairs_in_memory:,}"
        raise CannotTrain(f"{self._rows:,} rows of interactions, and {limit}; Spark trains only als and popularity")

    def _fit_als(self, model: Als, strength: str) -> Als:
        powers = self._by_item[strength]
        if not powers.any():
            raise NothingToLearn("no interaction has a positive strength")
        model.trend = trend_of_sums(powers)
        pairs = self._known.where(F.col(strength) > 0).select("user", "item", F.col(strength).alias("strength"))
        model.item_factors = spark_als.item_factors(pairs, model.items, self._rows, model.config)
        return model

    def _fit_popularity(self, model: Popularity, before: bool) -> Popularity:
        """Fit popularity to `KnownInteractions.recent`, whose entries are 1."""
        day, seen = ("last_event_date_before", "views_before > 0") if before else ("last_event_date", "true")
        long_views = "long_views_before" if before else "long_views_before + long_views_on_day"
        pairs = self._known.where(seen)
        latest = pairs.agg(F.max(day).alias("day")).toArrow()["day"][0].as_py()
        recent = pairs.where(F.expr(f"{long_views} > 0") & (F.date_diff(F.lit(latest), day) < RECENT_DAYS))
        users = _dense(
            recent.groupBy("item").agg(F.count("*").alias("users")).toArrow(), "users", len(self._videos.video_ids)
        )
        if not users.any():
            raise NothingToLearn("no video had a long view in the last days")
        model.trend = trend_of_sums(users)
        return model

    def evaluate(self, model: Recommender, video_ids: NDArray[np.int64]) -> Evaluation | None:
        """Evaluate a model of any kind on the night."""
        is_target = (F.col("views_before") == 0) & (F.col("long_views_on_day") > 0)
        judged = self._known.where(is_target).select("user").distinct()
        blocks = math.ceil(judged.count() / _BLOCK_USERS)
        of_judged = self._known.join(judged, "user", "left_semi").groupBy(F.pmod("user", F.lit(max(blocks, 1))))
        with TemporaryDirectory() as folder:
            directory = Path(folder)
            model.save(directory)
            save_columns(directory, video_ids)
            save_catalogue(directory, self._videos)
            with model_files.sent(self._context.spark, directory) as name:
                totals = of_judged.applyInArrow(_judge_sent(self._context.date, name), _TOTALS)
                rows = totals.groupBy("name", "item").agg(F.sum("total").alias("total")).toArrow()
        watched = self._known.where("views_before > 0").agg(F.count_distinct("user").alias("users")).toArrow()
        return evaluation(
            _to_totals(rows, len(self._videos.video_ids)), self._by_item["watchers"], watched["users"][0].as_py()
        )

    @cached_property
    def _by_item(self) -> dict[str, NDArray[Any]]:
        """(items,) each: see `_sum_of_powers` of both strengths, and the number of users who watched the video before."""
        rows = (
            self._known.groupBy("item")
            .agg(
                _sum_of_powers("strength"),
                _sum_of_powers("strength_before"),
                F.count_if(F.col("views_before") > 0).alias("watchers"),
            )
            .toArrow()
        )
        return {name: _dense(rows, name, len(self._videos.video_ids)) for name in rows.column_names if name != "item"}


def _sum_of_powers(strength: str) -> Column:
    """Return the sums of `trend_of_sums` as a column with the name of the strength."""
    return F.sum(F.pow(F.least(F.greatest(strength, F.lit(0.0)), F.lit(CAP)), F.lit(EXPONENT))).alias(strength)


def _judge_sent(date: dt.date, name: str) -> Callable[[pa.Table], pa.Table]:
    """Return `judge` for the pairs of a block of users, with the model that was sent under a name, as rows of `_TOTALS`."""

    def judge_block(known: pa.Table) -> pa.Table:
        model, columns, video_ids = _load(name)
        of_block = to_interactions(known, video_ids, date)
        totals = judge(model, of_block.before.strength, of_block.before.watched, of_block.targets, columns)
        (items,) = np.nonzero(totals.shown)
        billionths = [round(total * _BILLION) for total in totals.accuracy.values()]
        return pa.table(
            {
                "name": [_JUDGED, *totals.accuracy, *[_SHOWN] * len(items)],
                "item": pa.array([None] * (1 + len(totals.accuracy)) + items.tolist(), pa.int32()),
                "total": pa.array([totals.judged_users, *billionths, *totals.shown[items].tolist()], pa.int64()),
            }
        )

    return judge_block


@lru_cache(maxsize=1)  # a worker may live longer than a job
def _load(name: str) -> tuple[Recommender, NDArray[np.int64], NDArray[np.int64]]:
    directory = model_files.on_worker(name)
    video_ids = load_catalogue(directory).video_ids
    return load_recommender(directory), positions(video_ids, load_columns(directory)), video_ids


def _to_totals(rows: pa.Table, items: int) -> Totals:
    """Return the sum of the totals of all blocks from rows of `_TOTALS`."""
    shown = rows.filter(pc.equal(rows["name"], _SHOWN))
    sums = dict(zip(*rows.filter(pc.is_null(rows["item"])).select(["name", "total"]).to_pydict().values(), strict=True))
    judged_users = sums.pop(_JUDGED, 0)
    return Totals(judged_users, {name: total / _BILLION for name, total in sums.items()}, _dense(shown, "total", items))


def _dense(rows: pa.Table, name: str, items: int) -> NDArray[Any]:
    """Return the values (items,) of a column of rows with an `item`; 0 for other items."""
    values = rows[name].to_numpy()
    dense = np.zeros(items, dtype=values.dtype)
    dense[rows["item"].to_numpy()] = values
    return dense
