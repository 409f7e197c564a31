"""The night's behaviour log, from bronze, as typed rows with the reasons why some may not be used."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from jobs.ingest import java_zone
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY
from jobs.ingest.parse import parse
from jobs.platform.fingerprints import LATE_DAYS, TIMEZONE, fingerprint
from jobs.platform.job_context import JobContext
from jobs.platform.settings import Settings
from schemas.contract import load_contract

_FEED = NIGHTLY[BEHAVIOR_LOGS]
EVENTS = _FEED.table
KEY = load_contract(EVENTS).key


def parsed(context: JobContext) -> DataFrame:
    """The night's rows as `parse` gives them, under the rules of now, which the night's commit then names.

    Raises:
        MissingInput: the night's log has not been ingested.
        UsageError: see `java_zone.check`.
    """
    java_zone.check(context)
    context.lake.fingerprints |= {name: fingerprint(context.settings, name) for name in (EVENTS, LATE_DAYS, TIMEZONE)}
    return parse_bronze(context.lake.read_day("bronze.behavior_log"), context.settings)


def parse_bronze(rows: DataFrame, settings: Settings) -> DataFrame:
    """Parse rows of bronze.behavior_log, those also that were written before it kept fields."""
    for name in ("fields", "problem", "header", "user_id"):
        if name not in rows.columns:  # a table that no night has been written to since
            rows = rows.withColumn(name, F.lit(None).cast("string"))
    names = F.split(F.coalesce("header", F.lit(",".join(_FEED.required))), ",", -1)
    texts = F.split("raw", ",", -1)
    is_whole = F.size(texts) == F.size(names)
    count = F.concat(F.size(names), F.lit(" fields expected, found "), F.size(texts))
    split = F.when(is_whole, F.map_from_arrays(names, F.transform(texts, lambda text: F.nullif(text, F.lit("")))))
    is_older = F.col("fields").isNull()
    json = F.when(is_older, F.to_json(split)).otherwise(F.col("fields"))
    return parse(
        rows.withColumns(
            {
                "fields": F.from_json(json, StructType([StructField(name, StringType()) for name in _FEED.columns])),
                "user_id": F.coalesce("user_id", texts[0]),
                "problem": F.when(is_older & ~is_whole, count).otherwise(F.col("problem")),
            }
        ),
        _FEED,
        settings,
    )
