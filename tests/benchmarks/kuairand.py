"""KuaiRand as sparse matrices, with the weights of jobs/features/daily_interactions.py, without a lake."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from jobs.features import daily_interactions as weights
from jobs.recommend.interactions_as_of import HALF_LIFE_DAYS

HISTORY_DAY = dt.date(2022, 4, 24)


@dataclass(frozen=True)
class Split:
    """The interactions before a day, and the targets of the day; all matrices are (users, items).

    Attributes:
        strength: decayed to the end of the day before.
        watched: 1 if a video was shown before the day.
        recent: 1 if it had a long view in the two days before the day.
        targets: 1 if a video had a long view on the day and was not shown before.
        item_text: tags of each item.
    """

    strength: csr_matrix
    watched: csr_matrix
    recent: csr_matrix
    targets: csr_matrix
    item_text: list[str]


def split(folder: Path, day: dt.date) -> Split:
    """Split the data at the beginning of a day. The day of an event is the date column of the log.

    Args:
        folder: contains logs/, tables/ and history/ of KuaiRand.
        day: 2022-04-25 to 05-02.
    """
    videos = pl.read_csv(folder / "tables" / "video_features_basic_pure.csv.gz", schema_overrides={"tag": pl.String})
    users = pl.read_csv(folder / "tables" / "user_features_pure.csv.gz", columns=["user_id"])
    events = pl.concat([_history(folder), _log(folder)])
    before, on_day = events.filter(pl.col("day") < day), events.filter(pl.col("day") == day)
    age = (pl.lit(day) - pl.col("day")).dt.total_days() - 1
    decayed = before.with_columns(weight=pl.col("weight") * 0.5 ** (age / HALF_LIFE_DAYS))
    shape = (int(users["user_id"].to_numpy().max()) + 1, int(videos["video_id"].to_numpy().max()) + 1)
    watched = _matrix(before, np.ones(len(before)), shape)
    watched.data[:] = 1
    recent = before.filter((pl.col("long_view") == 1) & (age < 2)).unique(["user_id", "video_id"])
    long_views = on_day.filter(pl.col("long_view") == 1).unique(["user_id", "video_id"])
    targets = _matrix(long_views, np.ones(len(long_views)), shape)
    targets -= targets.multiply(watched)
    targets.eliminate_zeros()
    text = dict(zip(videos["video_id"], videos["tag"].fill_null("").str.replace_all(",", " "), strict=True))
    strength = _matrix(decayed, decayed["weight"].to_numpy(), shape)
    return Split(
        strength,
        watched,
        _matrix(recent, np.ones(len(recent)), shape),
        csr_matrix(targets),
        [text.get(i, "") for i in range(shape[1])],
    )


def _log(folder: Path) -> pl.DataFrame:
    files = sorted((folder / "logs").glob("*.csv.gz"))
    log = pl.concat([pl.read_csv(file) for file in files]).unique(
        ["user_id", "video_id", "time_ms"], maintain_order=True
    )
    ratio = (
        pl.when(pl.col("duration_ms") > 0)
        .then(pl.col("play_time_ms") / pl.col("duration_ms"))
        .otherwise(pl.col("long_view"))
    )
    weight = weights.VIEW + weights.WATCH_RATIO * pl.min_horizontal(ratio, 1.0)
    for flag, value in weights.FEEDBACK.items():
        weight += value * pl.col(flag)
    day = pl.col("date").cast(pl.String).str.to_date("%Y%m%d")
    return log.select("user_id", "video_id", "long_view", weight=weight, day=day)


def _history(folder: Path) -> pl.DataFrame:
    sequences = pl.read_parquet(folder / "history" / "user_sequences.parquet")

    def pairs(column: str) -> pl.DataFrame:
        return sequences.select("user_id", video_id=column).explode("video_id").drop_nulls()

    watched = pairs("watch_seq")
    for flag, column in {"long_view": "long_watch_seq", "is_like": "like_seq"}.items():
        marked = pairs(column).unique().with_columns(pl.lit(1, pl.Int64).alias(flag))
        watched = watched.join(marked, ["user_id", "video_id"], "left").with_columns(pl.col(flag).fill_null(0))
    ratio = pl.when(pl.col("long_view") == 1).then(1.0).otherwise(weights.SHORT_VIEW_RATIO)
    feedback = weights.FEEDBACK["long_view"] * pl.col("long_view") + weights.FEEDBACK["is_like"] * pl.col("is_like")
    weight = weights.VIEW + weights.WATCH_RATIO * ratio + feedback
    return watched.select("user_id", "video_id", "long_view", weight=weight, day=pl.lit(HISTORY_DAY))


def _matrix(rows: pl.DataFrame, values: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    positions = (rows["user_id"].to_numpy(), rows["video_id"].to_numpy())
    return csr_matrix((values.astype(np.float32), positions), shape=shape)
