"""gold.audience_segments: whom to show each campaign to on the day after, with the click-through to expect.

Every user active in the seven days up to the night is scored for every campaign by the click model that serves after the
night's verdict. A campaign is scored by the one of its visible videos that was shown most in those days, so that
expected_ctr is a probability of something that can be shown, which the best or the mean over its videos is not. The user is
imagined in the hour and the tab where they watch most.

Within a campaign users are ranked by expected_ctr; the best tenth is segment top_10, the next one top_20, and the others
are not kept: showing an ad to those least likely to click it serves nobody. Where nobody is active, no campaign has a visible
video, or no click model serves yet, nobody is aimed at.
"""

import datetime as dt
import logging
import math
from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.ads import REGISTERED_MODEL
from jobs.ads.examples import FIELDS, to_examples
from jobs.features.click_features import with_click_features
from jobs.features.ctr_examples import snapshots
from jobs.platform import decisions, tracking
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from models.ads.click_model import ClickModel
from models.ads.registry import load_click_model
from schemas.contract import load_contract

TABLE = "gold.audience_segments"
SEGMENTS = ("top_10", "top_20")
"""The segment of each decile that is kept, best first."""

_CHUNK_ROWS = 150_000  # described pairs of user and campaign held in memory at once, about 1 kB each
_SCORED = {"campaign_id": pl.Int64, "user_id": pl.String, "video_id": pl.Int64, "expected_ctr": pl.Float64}
_DIGITS = 6  # of a probability: beyond them the order of a sum shows

_log = logging.getLogger(__name__)


def campaign_videos(campaigns: DataFrame, video_features: DataFrame, videos: DataFrame) -> DataFrame:
    """The video that each campaign is scored by.

    Args:
        campaigns: silver.campaigns of one night, a row a campaign and video.
        video_features: gold.video_features of that night.
        videos: silver.videos of that night.

    Returns:
        campaign_id, video_id: one row a campaign that has a visible video.
    """
    most_shown = Window.partitionBy("campaign_id").orderBy(F.col("views_7d").desc_nulls_last(), "video_id")
    return (
        campaigns.join(videos.where("visible").select("video_id"), "video_id")
        .join(video_features.select("video_id", "views_7d"), "video_id", "left")
        .withColumn("place", F.row_number().over(most_shown))
        .where("place = 1")
        .select("campaign_id", "video_id")
    )


def pairs(shown: DataFrame, user_features: DataFrame) -> DataFrame:
    """Every active user with every campaign, in the user's busiest hour and tab (the lowest of equally busy ones).

    Args:
        shown: campaign_id and video_id, see `campaign_videos`.
        user_features: gold.user_features of the night.

    Returns:
        user_id, campaign_id, video_id, hour, tab.
    """
    busiest_hour = F.array_position("hour_views", F.array_max("hour_views")).cast("int") - 1
    by_views = F.transform(
        F.map_entries("tab_views"), lambda entry: F.struct((-entry["value"]).alias("order"), entry["key"].alias("tab"))
    )
    context = user_features.select("user_id", busiest_hour.alias("hour"), F.array_min(by_views)["tab"].alias("tab"))
    return context.crossJoin(F.broadcast(shown))


def score(described: DataFrame, rows: int, model: ClickModel) -> pl.DataFrame:
    """Predicts the pairs, some users at a time so that memory holds a part of the features only.

    Args:
        described: `pairs` with click features.
        rows: about how many rows it has.
        model: what predicts.

    Returns:
        campaign_id, user_id, video_id, expected_ctr.
    """
    chunks = math.ceil(rows / _CHUNK_ROWS)
    keys = ["campaign_id", "user_id", "video_id"]
    columns = list(dict.fromkeys([*keys, *FIELDS.names]))
    parts = []
    for chunk in range(chunks):
        some = described.where(F.pmod(F.xxhash64("user_id"), F.lit(chunks)) == chunk)
        features = some.select(*columns).toArrow().sort_by([(key, "ascending") for key in keys])
        if features.num_rows:
            expected = np.round(model.predict_proba(to_examples(features)), _DIGITS)
            parts.append(features.select(keys).append_column("expected_ctr", pa.array(expected)))
    return pl.DataFrame(pa.concat_tables(parts))


def segments(scored: pl.DataFrame, date: dt.date, model_version: str) -> pa.Table:
    """The best two tenths of each campaign's users; of equal scores the lower user id comes first.

    Args:
        scored: campaign_id, user_id, video_id, expected_ctr.
        date: the night.
        model_version: the model that scored.

    Returns:
        Rows of gold.audience_segments.
    """
    ranked = scored.sort("campaign_id", "expected_ctr", "user_id", descending=[False, True, False])
    decile = pl.int_range(pl.len()).over("campaign_id") * 10 // pl.len().over("campaign_id")
    kept = ranked.with_columns(decile=decile).filter(pl.col("decile") < len(SEGMENTS))
    table = kept.select(
        pl.lit(date).alias("date"),
        "campaign_id",
        "user_id",
        pl.lit(pl.Series(SEGMENTS)).gather(pl.col("decile")).alias("segment"),
        "video_id",
        "expected_ctr",
        pl.lit(model_version).alias("model_version"),
    ).to_arrow()
    schema = load_contract(TABLE).arrow_schema()
    return table.select(schema.names).cast(schema)


def audience_segments(context: JobContext) -> tuple[pa.Table, str | None]:
    """The night's rows, and the version of the model that they come from; no row and no model where nobody can be aimed at.

    Raises:
        MissingInput: a table lacks the night, or no verdict has been given on which model serves.
    """
    user_features = context.lake.read_day("gold.user_features")
    video_features = context.lake.read_day("gold.video_features")
    shown = campaign_videos(
        context.lake.read_day("silver.campaigns"), video_features, context.lake.read_day("silver.videos")
    )
    users, videos = (snapshots(context, table, context.date) for table in ("silver.users", "silver.videos"))
    rows = shown.count() * user_features.count()
    version = tracking.serving_or_none(context.settings, REGISTERED_MODEL, "ads", night=context.date)
    if version is None or not rows:
        why = "no click model serves yet" if version is None else "no campaign has a visible video, or nobody is active"
        _log.warning("%s: nobody is aimed at on %s: %s", TABLE, context.date, why)
        return segments(pl.DataFrame(schema=_SCORED), context.date, ""), None
    model = load_click_model(tracking.download(context.settings, version))
    tomorrow = context.date + dt.timedelta(
        days=1
    )  # what is known at the end of the night is known before the day after
    described = with_click_features(
        pairs(shown, user_features),
        user_features,
        video_features,
        users,
        videos,
        tomorrow,
    )
    _log.info("scoring %d pairs of user and campaign with %s", rows, version.version)
    return segments(score(described, rows, model), context.date, version.version), version.version


def main(argv: Sequence[str] | None = None) -> None:
    """Writes the night's segments."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        for kind in (decisions.MODEL, decisions.LABELS):
            decisions.depend_on(context, kind, REGISTERED_MODEL)
        rows, version = audience_segments(context)
        context.lake.write(rows, model=version)


if __name__ == "__main__":
    main()
