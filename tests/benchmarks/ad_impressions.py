"""The WNS ad impressions (four days of 2017, with click labels) as examples for click models.

The fields are weak predictors: the AUC of the last day is about .56, with a standard error of .012.
"""

import datetime as dt
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jobs.ads.time_split import HOLDOUT_SHARE
from models.ads.examples import Batch, Examples, Fields

FILE = Path("wns_ad_ctr", "impressions_2017-07-02_05.csv.gz")
"""Relative to the folder of shared data."""

ITEM = "campaign_id"

FIELDS = Fields(
    numeric=("user_views_before", "user_clicks_before"),
    categorical=(
        "product",
        ITEM,
        "webpage_id",
        "product_category_1",
        "product_category_2",
        "user_group_id",
        "gender",
        "age_level",
        "user_depth",
        "city_development_index",
        "var_1",
        "hour",
    ),
)


@dataclass(frozen=True)
class AdImpressions:
    """A judged day, and the days before it as training part and holdout."""

    train: list[Batch]
    holdout: list[list[Batch]]
    judged: Batch
    judged_users: NDArray[np.int64]


def ad_impressions(shared_data: Path, judged_day: dt.date) -> AdImpressions:
    """Read the file. The holdout has the examples of 15 % of the users, by day, of the days before the judged day."""
    rows = (
        pl.read_csv(shared_data / FILE, infer_schema=False)
        .with_columns(
            time=pl.col("DateTime").str.to_datetime("%Y-%m-%d %H:%M"), label=pl.col("is_click").cast(pl.UInt8)
        )
        .with_columns(day=pl.col("time").dt.date(), hour=pl.col("time").dt.hour().cast(pl.String))
        .sort("time", "session_id")
    )
    earlier, judged = (
        _with_history(part, rows) for part in (rows.filter(pl.col("day") < judged_day), rows.filter(day=judged_day))
    )
    user_hash = pl.col("user_id").map_elements(lambda user: zlib.crc32(user.encode()), return_dtype=pl.UInt32)
    is_held_out = user_hash < HOLDOUT_SHARE * 2**32
    holdout = [[_batch(day)] for day in earlier.filter(is_held_out).partition_by("day", maintain_order=True)]
    users = judged["user_id"].cast(pl.Int64).to_numpy()
    return AdImpressions([_batch(earlier.filter(~is_held_out))], holdout, _batch(judged), users)


def _with_history(part: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Add the user's impressions and clicks on earlier days to each row."""
    history = pl.concat(
        rows.filter(pl.col("day") < day)
        .group_by("user_id")
        .agg(pl.len().alias("user_views_before"), pl.col("label").cast(pl.Int64).sum().alias("user_clicks_before"))
        .with_columns(day=pl.lit(day))
        for day in part["day"].unique().sort()
    )
    return part.join(history, on=["user_id", "day"], how="left", maintain_order="left")


def _batch(rows: pl.DataFrame) -> Batch:
    numbers = {name: rows[name].cast(pl.Float64).fill_null(0.0).to_numpy() for name in FIELDS.numeric}
    texts = {name: rows[name].fill_null("").to_numpy().astype(np.str_) for name in FIELDS.categorical}
    return Examples(numbers, texts, {}), rows["label"].to_numpy()
