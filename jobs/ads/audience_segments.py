"""gold.audience_segments: the audience of each campaign for the day after the night, with its expected click-through rate.

The click model that serves after the night's promotion scores every user who was active in the seven days up to the night, for
every campaign. A campaign is represented by its visible video with the most views in those days, so that expected_ctr is the
probability of a click on a real video; the maximum or the mean over the videos would not be one. Hour and tab are those in which
the user watches most.

Users of a campaign are ranked by expected_ctr. The best tenth is segment top_10, the next tenth top_20; the others are dropped.
There are no rows if no user is active, no campaign has a visible video, or no click model serves yet.
"""

import datetime as dt
import logging
from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.ads import REGISTERED_MODEL
from jobs.ads.scoring import score
from jobs.features.click_features import with_click_features
from jobs.features.ctr_examples import snapshots
from jobs.platform import decisions, model_files, tracking
from jobs.platform.job import run_job
from schemas.contract import load_contract

TABLE = "gold.audience_segments"
SEGMENTS = ("top_10", "top_20")
"""Segment names of the best deciles."""

_log = logging.getLogger(__name__)


def campaign_videos(campaigns: DataFrame, video_features: DataFrame, videos: DataFrame) -> DataFrame:
    """Return the video that represents each campaign.

    Args:
        campaigns: silver.campaigns of one night, one row for each campaign and video.
        video_features: gold.video_features of that night.
        videos: silver.videos of that night.

    Returns:
        campaign_id, video_id: one row for each campaign with a visible video.
    """
    most_shown = Window.partitionBy("campaign_id").orderBy(F.col("views_7d").desc_nulls_last(), "video_id")
    return (
        campaigns.join(videos.where("visible").select("video_id"), "video_id")
        .join(video_features.select("video_id", "views_7d"), "video_id", "left")
        .withColumn("rank", F.row_number().over(most_shown))
        .where("rank = 1")
        .select("campaign_id", "video_id")
    )


def pairs(shown: DataFrame, user_features: DataFrame) -> DataFrame:
    """Return every active user with every campaign, in the user's busiest hour and tab (the lowest one in case of ties).

    Args:
        shown: campaign_id and video_id from `campaign_videos`.
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


def segments(scored: DataFrame, date: dt.date, model_version: str) -> DataFrame:
    """Return the rows of the best two tenths of each campaign's users; ties are ordered by user id.

    Args:
        scored: campaign_id, user_id, video_id, expected_ctr.
        date: the night.
        model_version: version of the model that scored.
    """
    campaign = Window.partitionBy("campaign_id")
    position = F.row_number().over(campaign.orderBy(F.desc("expected_ctr"), "user_id")).cast("bigint") - 1
    ranked = scored.withColumns({"position": position, "users": F.count(F.lit(1)).over(campaign)})
    return (
        ranked.withColumn("decile", F.expr("position * 10 div users").cast("int"))
        .where(F.col("decile") < len(SEGMENTS))
        .select(
            F.lit(date).alias("date"),
            "campaign_id",
            "user_id",
            F.get(F.array(*map(F.lit, SEGMENTS)), F.col("decile")).alias("segment"),
            "video_id",
            "expected_ctr",
            F.lit(model_version).alias("model_version"),
        )
    )


def transform(
    shown: DataFrame,
    user_features: DataFrame,
    video_features: DataFrame,
    users: DataFrame,
    videos: DataFrame,
    date: dt.date,
    model: str,
    model_version: str,
) -> DataFrame:
    """Return the rows of gold.audience_segments.

    Args:
        shown: campaign_id and video_id from `campaign_videos`.
        user_features: gold.user_features of the night.
        video_features: gold.video_features of the night.
        users: snapshots of silver.users up to the night.
        videos: snapshots of silver.videos up to the night.
        date: the night.
        model: name of the files of the click model that serves, from `model_files.sent`.
        model_version: its version.
    """
    day_after = date + dt.timedelta(days=1)  # features of a day are computed from the days before it
    described = with_click_features(
        pairs(shown, user_features), user_features, video_features, users, videos, day_after
    )
    return segments(score(described, model), date, model_version)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's segments."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        for kind in (decisions.MODEL, decisions.LABELS):
            decisions.depend_on(context, kind, REGISTERED_MODEL)
        campaigns, user_features, video_features, night_videos = (
            context.lake.read_day(table)
            for table in ("silver.campaigns", "gold.user_features", "gold.video_features", "silver.videos")
        )
        users, videos = (snapshots(context, table, context.date) for table in ("silver.users", "silver.videos"))
        version = tracking.serving_or_none(context.settings, REGISTERED_MODEL, "ads", night=context.date)
        if version is None:
            _log.warning("%s: no rows for %s: no click model serves yet", TABLE, context.date)
            context.lake.write(load_contract(TABLE).arrow_schema().empty_table())
            return
        shown = campaign_videos(campaigns, video_features, night_videos)
        if shown.isEmpty() or user_features.isEmpty():
            _log.warning(
                "%s: no rows for %s: no campaign has a visible video, or no user is active", TABLE, context.date
            )
            context.lake.write(load_contract(TABLE).arrow_schema().empty_table())
            return
        with model_files.sent(context.spark, tracking.download(context.settings, version)) as model:
            rows = transform(shown, user_features, video_features, users, videos, context.date, model, version.version)
            context.lake.write(rows, model=version.version)


if __name__ == "__main__":
    main()
