"""Turns the lines of the behaviour log into typed rows, each with every reason why it may not be used."""

from zoneinfo import ZoneInfo

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingest import java_zone
from jobs.platform.night import Night
from jobs.platform.rules import LATE_DAYS, TIMEZONE, rule
from schemas.contract import Contract, contract

EVENTS = "silver.behavior_events"
KEY = contract(EVENTS).key
TOO_LATE = "too_late"
"""The reason of an event that arrived longer after its day than NIGHTREEL_LATE_DAYS."""

# The log's 19 columns stand first in the contract, in the order of the log.
LOG_COLUMNS = tuple(
    c for c in contract(EVENTS).columns if c.name not in ("log_file", "log_line", "event_date", "arrival_date")
)


def parsed(night: Night) -> DataFrame:
    """The night's lines as `parse` gives them, under the rules of now, which the night's commit then names.

    Raises:
        MissingInput: the night has no lines.
        UsageError: see `java_zone.check`.
    """
    java_zone.check(night)
    night.rules |= {name: rule(night.settings, name) for name in (EVENTS, LATE_DAYS, TIMEZONE)}
    return parse(night.read_day("bronze.behavior_log"), night.settings.timezone, night.settings.late_days)


def parse(lines: DataFrame, timezone: ZoneInfo, late_days: int) -> DataFrame:
    """The columns of silver.behavior_events from rows of bronze.behavior_log, with `raw`, `header` and `reasons`.

    A row without reasons is valid. The others keep null where a field could not be read. A reason names the field and its
    text, or the contract's rule that does not hold, or says that the row arrived more than `late_days` after its day. Fields
    after those of the log are passed over where the file's header has them.
    """
    if "header" not in lines.columns:  # a table that no night has been written to since it is kept
        lines = lines.withColumn("header", F.lit(None).cast("string"))
    fields = F.split("raw", ",", -1)
    usual = ",".join(column.name for column in LOG_COLUMNS)
    expected = F.size(F.split(F.coalesce("header", F.lit(usual)), ",", -1))
    whole = F.size(fields) == expected
    texts = lines.withColumns({f"_{c.name}": F.get(fields, i) for i, c in enumerate(LOG_COLUMNS)})
    typed = texts.withColumns({c.name: _typed(c.name, c.type) for c in LOG_COLUMNS})
    moment = F.when(F.col("time_ms").between(0, 4_102_444_800_000), F.timestamp_millis("time_ms"))
    dated = typed.withColumn("event_date", F.to_date(F.from_utc_timestamp(moment, timezone.key)))
    unread = [
        F.when(
            F.col(c.name).isNull(),
            F.concat(F.lit(f"{c.name} is no {c.type}: '"), F.substring(f"_{c.name}", 1, 40), F.lit("'")),
        )
        for c in LOG_COLUMNS
    ]
    # Such as one in microseconds or before 1970: it has no day, so that no rule over days says anything of it.
    no_time = F.when(
        F.col("time_ms").isNotNull() & F.col("event_date").isNull(),
        F.concat(F.lit("time_ms is no time between 1970 and 2100 in milliseconds: "), "time_ms"),
    )
    count = F.concat(expected, F.lit(" fields expected, found "), F.size(fields))
    broken = (*unread, no_time, *_broken_rules(contract(EVENTS)), _too_late(late_days))
    reasons = F.when(whole, F.array_compact(F.array(*broken))).otherwise(F.array(count))
    return dated.withColumn("reasons", reasons).select(
        *(c.name for c in contract(EVENTS).columns), "raw", "header", "reasons"
    )


def valid(parsed: DataFrame) -> DataFrame:
    """The parsed rows that break no rule."""
    return parsed.where(F.size("reasons") == 0)


def _typed(name: str, type_name: str) -> Column:
    if type_name == "date":
        return F.try_to_date(f"_{name}", "yyyyMMdd")
    return F.col(f"_{name}").try_cast(type_name)


def _broken_rules(agreed: Contract) -> list[Column]:
    # A rule over a field that could not be read is null: the field's own reason says it already.
    return [F.when(~F.expr(rule.expression), F.lit(f"{rule.name}: {rule.expression}")) for rule in agreed.rules]


def _too_late(late_days: int) -> Column:
    late = F.datediff("arrival_date", "event_date")
    said = F.concat(F.lit(f"{TOO_LATE}: "), late, F.lit(f" days after its own day, {LATE_DAYS} is {late_days}"))
    return F.when(late > late_days, said)
