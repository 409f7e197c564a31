"""gold.video_feedback: what viewers did with the generated videos that the app published, and with others of the same tags.

The app names a generated video in its catalogue (`generated_name` of silver.videos). A night counts the events that arrived on
it, so late events change no earlier night.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from jobs.video.prompts import SUBJECT_OF
from schemas.contract import load_contract

TABLE = "gold.video_feedback"

COUNTS = ("impressions", "viewers", "clicks", "long_views", "likes", "completions")

_EVENTS, _VIDEOS, _GENERATED = "silver.behavior_events", "silver.videos", "gold.generated_videos"


def transform(events: DataFrame, videos: DataFrame, generated: DataFrame) -> DataFrame:
    """Return the rows of gold.video_feedback but for their date: one for each generated video that the catalogue shows.

    Args:
        events: the rows of silver.behavior_events that arrived on the night.
        videos: silver.videos as of the night.
        generated: gold.generated_videos of nights before.
    """
    shown = videos.where("visible")
    by_video = events.groupBy("video_id").agg(*_counts())
    published = shown.where("generated_name IS NOT NULL").select(
        "video_id", F.col("generated_name").alias("video_name")
    )
    published = published.join(_described(generated), "video_name", "left")
    by_tag = (
        shown.where("generated_name IS NULL")
        .select("video_id", F.explode(F.array_distinct("tags")).alias("tag"))
        .join(by_video, "video_id", "left")
        .groupBy("tag")
        .agg(F.count("*").alias("tag_videos"), *(F.sum(name).alias(f"tag_{name}") for name in COUNTS))
    )
    counted = published.join(by_video, "video_id", "left").join(by_tag, "tag", "left")
    of_tags = ["tag_videos", *(f"tag_{name}" for name in COUNTS)]
    return counted.withColumns(
        {name: F.coalesce(name, F.lit(0)).cast("int") for name in COUNTS}
        | {name: F.coalesce(name, F.lit(0)) for name in of_tags}
    )


def _described(generated: DataFrame) -> DataFrame:
    """Return one row for each video: what made it, and its first request; a night's own request is preferred to a user's."""
    subjects = F.create_map(*(F.lit(text) for pair in SUBJECT_OF.items() for text in pair))
    of_user = F.col("user_id").isNotNull()
    columns = {
        "requested": F.col("date"),
        **{name: F.col(name) for name in ("generator", "generator_version", "arm", "tag")},
        "subject": F.when(~of_user, F.try_element_at(subjects, F.col("prompt"))),
    }
    request = F.struct(of_user, "date", "request_id", *(column.alias(name) for name, column in columns.items()))
    first = generated.groupBy("video_name").agg(F.min(request).alias("request"))
    return first.select("video_name", *(f"request.{name}" for name in columns))


def _counts() -> list[Column]:
    is_complete = (F.col("duration_ms") > 0) & (F.col("play_time_ms") >= F.col("duration_ms"))
    counts = (
        F.count("*"),
        F.countDistinct("user_id"),
        F.count_if(F.col("is_click") == 1),
        F.count_if(F.col("long_view") == 1),
        F.count_if(F.col("is_like") == 1),
        F.count_if(is_complete),
    )
    return [count.alias(name) for name, count in zip(COUNTS, counts, strict=True)]


def feedback(context: JobContext) -> DataFrame:
    """Return the night's rows; none if its catalogue names no generated video."""
    videos = context.lake.read_day(_VIDEOS)
    schema = load_contract(TABLE).struct_type()  # needs the session that reading has started
    if not context.lake.exists(_GENERATED) or videos.where("generated_name IS NOT NULL").isEmpty():
        return context.spark.createDataFrame([], schema)
    nights = load_contract(TABLE).made_from[_GENERATED].of(context.date, context.settings.late_days)
    generated = context.lake.read(_GENERATED).where(F.col("date").between(F.lit(nights[-1]), F.lit(nights[0])))
    for name in {"arm", "tag"} - set(generated.columns):  # no night has written the table since they were added
        generated = generated.withColumn(name, F.lit(None).cast("string"))
    rows = transform(context.lake.read_day(_EVENTS), videos, generated)
    return rows.withColumn("date", F.lit(context.date)).select(*schema.fieldNames())


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's feedback."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        context.lake.write(feedback(context))


if __name__ == "__main__":
    main()
