"""The night's behaviour log from bronze, as typed rows with the reasons why some are invalid."""

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
_BRONZE = "bronze.behavior_log"
EVENTS = _FEED.table
KEY = load_contract(EVENTS).key
LINE = ("log_file", "log_line")
"""Identifies a row of the log in the tables that are made from it."""


def parsed_rows(context: JobContext) -> DataFrame:
    """Return the night's rows as returned by `parse`. The job's commit records the current rules.

    Raises:
        MissingInput: the night's log has not been ingested.
        UsageError: see `java_zone.check`.
    """
    return _parsed(context, context.lake.read_day(_BRONZE))


def parsed_rows_without_event(context: JobContext) -> DataFrame:
    """Return the rows of `parsed_rows` that are not in silver.behavior_events: they break a rule, or repeat an event.

    They are few, and only they are parsed.

    Raises:
        MissingInput: the night's log or its events have not been ingested.
        UsageError: see `java_zone.check`.
    """
    events = context.lake.read_day(EVENTS).select(*LINE)
    return _parsed(context, context.lake.read_day(_BRONZE).join(events, [*LINE], "left_anti"))


def _parsed(context: JobContext, rows: DataFrame) -> DataFrame:
    java_zone.check(context)
    context.lake.fingerprints |= {name: fingerprint(context.settings, name) for name in (EVENTS, LATE_DAYS, TIMEZONE)}
    return parse_bronze(rows, context.settings)


def parse_bronze(rows: DataFrame, settings: Settings) -> DataFrame:
    """Parse rows of bronze.behavior_log, including those written before the table had the column `fields`."""
    for name in ("fields", "problem", "header", "user_id"):
        if name not in rows.columns:  # not written to since the column was added
            rows = rows.withColumn(name, F.lit(None).cast("string"))
    names = F.split(F.coalesce("header", F.lit(",".join(_FEED.required))), ",", -1)
    texts = F.split("raw", ",", -1)
    is_complete = F.size(texts) == F.size(names)
    count = F.concat(F.size(names), F.lit(" fields expected, found "), F.size(texts))
    split = F.when(is_complete, F.map_from_arrays(names, F.transform(texts, lambda text: F.nullif(text, F.lit("")))))
    has_no_fields = F.col("fields").isNull()
    json = F.when(has_no_fields, F.to_json(split)).otherwise(F.col("fields"))
    return parse(
        rows.withColumns(
            {
                "fields": F.from_json(json, StructType([StructField(name, StringType()) for name in _FEED.columns])),
                "user_id": F.coalesce("user_id", texts[0]),
                "problem": F.when(has_no_fields & ~is_complete, count).otherwise(F.col("problem")),
            }
        ),
        _FEED,
        settings,
    )
