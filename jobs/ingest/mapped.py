"""Compute a feed's columns from the columns of its files with a mapping, in Spark, as strings."""

from collections.abc import Mapping as MappingOf

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingest.feeds import FEEDS, Feed
from jobs.ingest.mapping import Mapping, Source
from jobs.platform.errors import UsageError

_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?\z"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)? ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?\z"
_PER_MS = {"s": 1_000, "ms": 1, "us": 0.001, "ns": 0.000_001}


def mapped(rows: DataFrame, mapping: Mapping, zone: str) -> DataFrame:
    """Replace the files' columns by the feed's columns.

    A value that does not fit the mapping's unit stays unchanged, so that the row is quarantined with that value in its reason.

    Args:
        rows: rows with the files' columns as strings in `fields`.
        mapping: the mapping of the feed, with `columns`.
        zone: the lake's time zone.

    Returns:
        The rows with the feed's columns in `fields` and the user id as a string in `user`.

    Raises:
        UsageError: an expression of the mapping is not valid Spark SQL.
    """
    feed = FEEDS[mapping.feed]
    fractions = {column.name for column in feed.typed if column.type == "double"} if mapping.decimal_comma else set()
    assert mapping.columns is not None
    texts = {name: _text(source, zone) for name, source in mapping.columns.items()}
    texts |= {name: _with_point(texts[name]) for name in fractions & texts.keys()}
    defaults = {name: text for name, text in feed.defaults.items() if name not in texts}
    try:
        result = _with_fields(rows, feed, texts)
        if defaults:
            mapped_columns = {name: F.col(f"`{name}`") for name in texts if name != "user_id"}
            default_columns = {name: F.expr(text.format(zone=zone)) for name, text in defaults.items()}
            result = _with_fields(result, feed, {**mapped_columns, **default_columns})
        result.schema
    except PySparkException as error:
        line = next(line for line in str(error).splitlines() if line.strip())
        raise UsageError(f"the mapping of {mapping.feed} has an expression that Spark cannot use: {line}") from error
    return result


def _with_fields(rows: DataFrame, feed: Feed, texts: MappingOf[str, Column]) -> DataFrame:
    """Set `fields`, and `user` if `texts` has `user_id`, to expressions over the columns in `fields`."""
    unpacked = rows.select(F.struct(*rows.columns).alias("_row"), "fields.*")  # so that no other column name can clash
    no_value = F.lit(None).cast("string")
    fields = F.struct(*(texts.get(name, no_value).alias(name) for name in feed.columns if name != "user_id"))
    user = texts.get("user_id", F.col("_row")["user"])
    kept = (F.col("_row")[name].alias(name) for name in rows.columns if name not in ("fields", "user"))
    return unpacked.select(*kept, fields.alias("fields"), user.alias("user"))


def _text(source: Source, zone: str) -> Column:
    if source.expr is not None:
        text = F.expr(source.expr).cast("string")
    else:
        text = F.lit(source.value) if source.column is None else F.col(f"`{source.column}`")
    if source.unit:
        text = F.coalesce(_milliseconds(text, source.unit, source.zone or zone).cast("string"), text)
    return text if source.default is None else F.coalesce(text, F.lit(source.default))


def _milliseconds(text: Column, unit: str, zone: str) -> Column:
    trimmed = F.trim(text)
    if unit != "iso":
        number = F.when(trimmed.rlike(_NUMBER), trimmed).try_cast("decimal(38,9)")
        return F.floor(number * F.lit(_PER_MS[unit]).cast("decimal(12,6)")).cast("bigint")
    iso = F.when(trimmed.rlike(_ISO), F.regexp_replace(trimmed, r"([+-][0-9]{2}):?([0-9]{2})\z", "$1:$2"))
    moment = iso.try_cast("timestamp")
    has_zone = trimmed.rlike(r"(Z|:[0-9.]+ ?[+-][0-9]{2}(:?[0-9]{2})?)$")
    return F.unix_millis(F.when(has_zone, moment).otherwise(F.to_utc_timestamp(moment, zone)))


def _with_point(text: Column) -> Column:
    """Convert a decimal comma to a decimal point. A fraction with a point is marked as invalid."""
    trimmed = F.trim(text)
    return (
        F.when(trimmed.rlike(r"^[+-]?[0-9]+(,[0-9]+)?\z"), F.replace(trimmed, F.lit(","), F.lit(".")))
        .when(trimmed.contains("."), F.concat(trimmed, F.lit(" (its fraction should have a comma)")))
        .otherwise(text)
    )
