"""gold.video_feedback: what viewers did with the generated videos that the app published, and with others of the same tags.

The app names a generated video in its catalogue (`generated_name` of silver.videos). A night counts the events that arrived on it,
so late events change no earlier night. Videos that the app does not show any more, or names but are not in gold.generated_videos,
have no row.
"""

import datetime as dt
import logging
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.prompts import SUBJECT_OF
from schemas.contract import load_contract

TABLE = "gold.video_feedback"

COUNTS = ("impressions", "viewers", "clicks", "long_views", "likes", "completions")

_EVENTS, _VIDEOS, _GENERATED, _REQUESTS = (
    "silver.behavior_events",
    "silver.videos",
    "gold.generated_videos",
    "gold.video_requests",
)

_log = logging.getLogger(__name__)


def transform(events: DataFrame, videos: DataFrame, generated: DataFrame, requests: DataFrame) -> DataFrame:
    """Return the rows of gold.video_feedback but for their date: one for each generated video that the catalogue shows.

    Args:
        events: the rows of silver.behavior_events that arrived on the night.
        videos: silver.videos as of the night.
        generated: gold.generated_videos of nights before.
        requests: gold.video_requests of the same nights.
    """
    shown = videos.where("visible")
    published = shown.where("generated_name IS NOT NULL").select("video_id", F.col("generated_name").alias("video_name"))
    published = published.join(_described(generated, requests), "video_name")
    by_video = events.groupBy("video_id").agg(*_counts())
    of_tag = (
        shown.where("generated_name IS NULL")
        .select("video_id", F.explode(F.array_distinct("tags")).alias("tag"))
        .join(F.broadcast(published.select("tag").distinct()), "tag", "left_semi")
    )
    by_tag = (
        of_tag.join(events, "video_id", "left")
        .groupBy("tag")
        .agg(F.countDistinct("video_id").alias("tag_videos"), *(count.alias(f"tag_{name}") for name, count in _named()))
    )
    counted = published.join(by_video, "video_id", "left").join(by_tag, "tag", "left")
    of_tags = ["tag_videos", *(f"tag_{name}" for name in COUNTS)]
    return counted.withColumns(
        {name: F.coalesce(name, F.lit(0)).cast("int") for name in COUNTS}
        | {name: F.coalesce(name, F.lit(0)) for name in of_tags}
    )


def _described(generated: DataFrame, requests: DataFrame) -> DataFrame:
    """Return one row for each video: what made it, and its first request; a night's own request is preferred to a user's."""
    subjects = F.create_map(*(F.lit(text) for pair in SUBJECT_OF.items() for text in pair))
    described = generated.join(requests.select("date", "request_id", "tag"), ["date", "request_id"]).select(
        "video_name",
        F.struct(
            F.col("user_id").isNotNull().alias("of_user"),
            F.col("date").alias("requested"),
            "request_id",
            "generator",
            "generator_version",
            "arm",
            "tag",
            F.when(F.col("user_id").isNull(), F.try_element_at(subjects, F.col("prompt"))).alias("subject"),
        ).alias("request"),
    )
    columns = ("requested", "generator", "generator_version", "arm", "tag", "subject")
    first = described.groupBy("video_name").agg(F.min("request").alias("request"))
    return first.select("video_name", *(f"request.{name}" for name in columns))


def _counts() -> list[Column]:
    return [count.alias(name) for name, count in _named()]


def _named() -> list[tuple[str, Column]]:
    is_complete = (F.col("duration_ms") > 0) & (F.col("play_time_ms") >= F.col("duration_ms"))
    counts = (
        F.count("user_id"),
        F.countDistinct("user_id"),
        F.count_if(F.col("is_click") == 1),
        F.count_if(F.col("long_view") == 1),
        F.count_if(F.col("is_like") == 1),
        F.count_if(is_complete),
    )
    return list(zip(COUNTS, counts, strict=True))


def feedback(context: JobContext) -> DataFrame:
    """Return the night's rows; none if its catalogue names no generated video."""
    schema = load_contract(TABLE).struct_type()
    videos = context.lake.read_day(_VIDEOS)
    names = videos.where("generated_name IS NOT NULL")
    if not (context.lake.exists(_GENERATED) and context.lake.exists(_REQUESTS)) or names.isEmpty():
        return context.spark.createDataFrame([], schema)
    kept = load_contract(TABLE).made_from[_GENERATED]
    first, last = (context.date - dt.timedelta(days=ago) for ago in (kept.last, kept.first))
    earlier = F.col("date").between(F.lit(first), F.lit(last))
    generated, requests = (context.lake.read(table).where(earlier) for table in (_GENERATED, _REQUESTS))
    if "arm" not in generated.columns:  # no night has written the table since this column was added
        generated = generated.withColumn("arm", F.lit(None).cast("string"))
    if unknown := names.join(generated, F.col("generated_name") == F.col("video_name"), "left_anti").count():
        _log.warning("%d videos of the catalogue name a generated video that no night made", unknown)
    rows = transform(context.lake.read_day(_EVENTS), videos, generated, requests)
    return rows.withColumn("date", F.lit(context.date)).select(*schema.fieldNames())


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's feedback."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        context.lake.write(feedback(context))


if __name__ == "__main__":
    main()
