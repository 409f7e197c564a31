"""The work of a night in one plain process: no Airflow, Spark, Delta commits, audits or MLflow. The floor of a night's time.

    .venv/bin/python -m tests.benchmarks.plain_night --home STATE --logs FOLDER [--date 2022-05-01]

polars parses the log of KuaiRand, removes duplicates and computes the sums of the feature tables. Every recommender and click
model is trained and judged, then trained again to be published, as in the night. The recommendations and the night's videos are
written. What happens once per lake (the watch history) or came from earlier nights (click examples, requests) is read from the
state folder of a finished night.
"""

import argparse
import datetime as dt
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from jobs.ads.examples import FIELDS
from jobs.ads.judgement import judge
from jobs.ads.time_split import night_split
from jobs.features.daily_interactions import FEEDBACK, SHORT_VIEW_RATIO, VIEW, WATCH_RATIO
from jobs.features.event_window import RATES
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend.block import recommend
from jobs.recommend.catalogue import read_catalogue
from jobs.recommend.interactions import to_interactions
from jobs.recommend.interactions_as_of import HALF_LIFE_DAYS
from jobs.video.certificate import credentials
from jobs.video.generate import generate
from jobs.video.generators import generator_for
from jobs.video.plan import read_shard, shards
from models.ads.registry import CLICK_MODELS
from models.recommend.evaluation import evaluate
from models.recommend.registry import RECOMMENDERS

_KEY = ["user_id", "video_id", "time_ms"]


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Print the wall-clock and CPU seconds of a step."""
    started, cpu = time.monotonic(), _cpu_s()
    yield
    print(f"{time.monotonic() - started:7.1f} s {_cpu_s() - cpu:7.1f} CPU s  {step}", flush=True)


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def read_log(path: Path) -> pl.DataFrame:
    """Return the distinct events of a log, of equal ones the one that played longest."""
    return pl.read_csv(path).sort("play_time_ms", descending=True).unique(_KEY, keep="first")


def write_features(events: pl.DataFrame, folder: Path) -> None:
    """Write the sums of the feature tables of users and videos."""
    sums = [pl.col(flag).sum().alias(name) for name, flag in RATES.values()]
    for key in ("user_id", "video_id"):
        features = events.group_by(key).agg(pl.len().alias("views"), *sums, pl.col("play_time_ms").sum())
        features.write_parquet(folder / f"{key}.parquet")


def interactions(events: pl.DataFrame, history: pl.DataFrame, date: dt.date) -> pa.Table:
    """Return the columns of the interactions as of the night that training reads."""
    duration, long_view = pl.col("duration_ms"), pl.col("long_view")
    ratio = pl.when(duration > 0).then((pl.col("play_time_ms") / duration).clip(upper_bound=1)).otherwise(long_view)
    feedback = pl.sum_horizontal(weight * pl.col(flag) for flag, weight in FEEDBACK.items())
    past_ratio = pl.when(long_view == 1).then(1.0).otherwise(SHORT_VIEW_RATIO)
    past_feedback = FEEDBACK["long_view"] * long_view + FEEDBACK["is_like"] * pl.col("is_like")
    columns = ["user_id", "video_id", "event_date", "long_view", "weight"]
    views = pl.concat(
        [
            events.with_columns(
                pl.lit(date).alias("event_date"),
                (VIEW + WATCH_RATIO * ratio + feedback).alias("weight"),
                pl.col("user_id").cast(pl.String),
            ).select(columns),
            history.with_columns((VIEW + WATCH_RATIO * past_ratio + past_feedback).alias("weight")).select(columns),
        ],
        how="vertical_relaxed",
    ).with_columns((pl.lit(date) - pl.col("event_date")).dt.total_days().alias("age"))
    before, on_day = pl.col("age") > 0, pl.col("age") == 0
    long_viewed = pl.col("long_view") == 1
    return (
        views.group_by("user_id", "video_id")
        .agg(
            (pl.col("weight") * 0.5 ** (pl.col("age") / HALF_LIFE_DAYS)).sum().alias("strength"),
            (pl.col("weight") * 0.5 ** ((pl.col("age") - 1) / HALF_LIFE_DAYS))
            .filter(before)
            .sum()
            .alias("strength_before"),
            before.sum().cast(pl.Int32).alias("views_before"),
            (before & long_viewed).sum().cast(pl.Int32).alias("long_views_before"),
            (on_day & long_viewed).sum().cast(pl.Int32).alias("long_views_on_day"),
            pl.col("event_date").max().alias("last_event_date"),
            pl.col("event_date").filter(before).max().alias("last_event_date_before"),
        )
        .to_arrow()
    )


def main() -> None:
    """Run the night, and print the time of each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="state folder of a finished night")
    parser.add_argument("--logs", type=Path, required=True, help="folder with the logs of KuaiRand")
    parser.add_argument("--date", type=dt.date.fromisoformat, default=dt.date(2022, 5, 1))
    args = parser.parse_args()
    os.environ["NIGHTREEL_HOME"] = str(args.home.resolve())
    with timed("in all"), tempfile.TemporaryDirectory() as name:
        folder, context = Path(name), JobContext(args.date, settings())
        with timed("log: parse, remove duplicates"):
            events = read_log(args.logs / f"log_standard_{args.date}.csv.gz")
            events.write_parquet(folder / "events.parquet")
        with timed("features"):
            write_features(events, folder)
        with timed("interactions"):
            history = pl.from_arrow(context.lake.arrow("silver.watch_history").to_table())
            assert isinstance(history, pl.DataFrame)
            videos = read_catalogue(context)
            pairs = interactions(events, history, args.date)
            known = to_interactions(pairs, videos.video_ids, args.date)
        for kind, recommender in RECOMMENDERS.items():
            with timed(f"recommender {kind}: train, judge, train"):
                judged = recommender().fit(known.before.signal(recommender), videos.text)
                evaluate(judged, known.before.strength, known.before.watched, known.targets)
                model = recommender().fit(known.after.signal(recommender), videos.text)
                model.save(folder)
        with timed("recommendations"):
            is_active = pc.is_in(pairs["user_id"], value_set=pa.array(known.user_ids[known.active]))
            recommend(pairs.filter(is_active), args.date, model, kind, videos)
        for kind in CLICK_MODELS:
            with timed(f"click model {kind}: train, judge, train"):
                split = night_split(context)
                click_model = CLICK_MODELS[kind](FIELDS)
                click_model.fit(split.train, split.holdout)
                judge(click_model, split.judged)
                CLICK_MODELS[kind](FIELDS).fit(split.publish_train, split.publish_holdout)
        with timed("videos"):
            plan = shards(context.settings.videos, args.date)
            clips = [request.clip for shard in plan for request in read_shard(shard)]
            generate(folder, clips, generator_for(context), credentials(context.settings))


if __name__ == "__main__":
    main()
