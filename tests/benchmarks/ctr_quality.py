"""Quality of the click models and the baselines on real clicks. Run from the repository root:

    python -m tests.benchmarks.ctr_quality [../shared/data]

There are two data sets, split by time: the WNS ad impressions of 2017 (the last two days are judged), and the nights of KuaiRand
as in the nightly run (features of the day before; every night after the first is judged with models trained on the days before).
"""

import datetime as dt
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.ads.examples import FIELDS
from jobs.ads.judgement import Predictor, judge
from jobs.ads.time_split import time_split
from jobs.features import ctr_examples, user_features, video_features
from jobs.platform.spark import session
from models.ads.baselines import ClickRate
from models.ads.examples import Batch, Fields
from models.ads.metrics import click_metrics
from models.ads.registry import CLICK_MODELS
from schemas.contract import load_contract
from tests.benchmarks import ad_impressions

_ZONE = ZoneInfo("Asia/Shanghai")
_COLUMNS = ("auc", "gauc", "log_loss", "calibration", "ece")


def wns(shared_data: Path) -> None:
    """Print a table for each of the last two days of the WNS ad impressions."""
    for day in (dt.date(2017, 7, 4), dt.date(2017, 7, 5)):
        data = ad_impressions.ad_impressions(shared_data, day)
        examples, labels = data.judged
        _title(f"WNS ad impressions, {len(labels):,} of {day} judged, click rate {labels.mean():.4f}")
        for name, model, seconds in _fitted(data.train, data.holdout, ad_impressions.FIELDS, ad_impressions.ITEM):
            _line(name, click_metrics(labels, model.predict_proba(examples), data.judged_users), seconds)


def kuairand(shared_data: Path) -> None:
    """Print a table for each night of KuaiRand."""
    spark = session()
    dataset, days = _examples(spark, shared_data / "kuairand")
    for night in days[1:]:
        split = time_split(dataset, days, night)
        _title(f"KuaiRand {night}, {split.rule}")
        for name, model, seconds in _fitted(split.train, split.holdout, FIELDS, "video_id"):
            _line(name, judge(model, split.judged).metrics(), seconds)


def _fitted(
    train: Iterable[Batch], holdout: Sequence[Iterable[Batch]], fields: Fields, item: str
) -> Iterator[tuple[str, Predictor, float]]:
    yield "overall click rate", ClickRate().fit(chain(train, *holdout)), 0.0
    yield "each item's click rate", ClickRate(item).fit(chain(train, *holdout)), 0.0
    for name, model in CLICK_MODELS.items():
        start = time.process_time()
        fitted = model(fields).fit(train, holdout)
        yield name, fitted, time.process_time() - start


def _examples(spark: SparkSession, folder: Path) -> tuple[ds.Dataset, list[dt.date]]:
    """Return gold.ctr_examples of all nights, computed by the transforms of the jobs, without a lake."""
    logs = sorted((folder / "logs").glob("log_standard_*.csv.gz"))
    days = [dt.date.fromisoformat(path.name.removeprefix("log_standard_").removesuffix(".csv.gz")) for path in logs]
    events = _events(spark, dict(zip(days, logs, strict=True))).cache()
    users = _snapshot(spark, folder / "tables" / "user_features_pure.csv.gz", "silver.users", days[0])
    videos = _snapshot(spark, folder / "tables" / "video_features_basic_pure.csv.gz", "silver.videos", days[0])
    nights = []
    for day in days:
        before = day - dt.timedelta(days=1)
        user_rows = user_features.transform(events, videos, before, _ZONE)
        video_rows = video_features.transform(events, videos, before)
        rows = ctr_examples.transform(events, user_rows, video_rows, users, videos, day, _ZONE)
        nights.append(rows.toArrow())
    return ds.dataset(pa.concat_tables(nights)), days


def _events(spark: SparkSession, logs: Mapping[dt.date, Path]) -> DataFrame:
    nights = [
        spark.read.csv(str(path), header=True, inferSchema=True).withColumn("arrival_date", F.lit(day))
        for day, path in logs.items()
    ]
    events = nights[0]
    for night in nights[1:]:
        events = events.unionByName(night)
    local = F.from_utc_timestamp(F.timestamp_millis("time_ms"), _ZONE.key)
    return (
        events.withColumns({"user_id": F.md5(F.col("user_id").cast("string")), "event_date": F.to_date(local)})
        .groupBy("user_id", "video_id", "time_ms")
        .agg(F.min_by(F.struct("*"), "arrival_date").alias("row"))
        .select("row.*")
    )


def _snapshot(spark: SparkSession, path: Path, table: str, day: dt.date) -> DataFrame:
    rows = spark.read.csv(str(path), header=True)
    columns = {"arrival_date": F.lit(day), "visible": F.lit(True), "title": F.lit(None)}
    if table == "silver.videos":
        columns["tags"] = F.coalesce(F.split("tag", ","), F.array().cast("array<string>"))
    else:
        columns["user_id"] = F.md5(F.col("user_id").cast("bigint").cast("string"))
    return rows.withColumns(columns).select(
        *(
            F.regexp_replace(column.name, r"\.0$", "").cast(column.type).alias(column.name)
            if column.type in ("int", "bigint")
            else F.col(column.name).cast(column.type)
            for column in load_contract(table).columns
        )
    )


def _title(text: str) -> None:
    print(f"\n{text}\n{'':26}{''.join(f'{name:>12}' for name in _COLUMNS)}{'CPU s':>8}", flush=True)


def _line(name: str, metrics: Mapping[str, float], seconds: float) -> None:
    values = "".join(f"{metrics.get(column, float('nan')):12.4f}" for column in _COLUMNS)
    print(f"{name:26}{values}{seconds:8.1f}", flush=True)


def main() -> None:
    """Run both benchmarks."""
    shared_data = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    wns(shared_data)
    kuairand(shared_data)


if __name__ == "__main__":
    main()
