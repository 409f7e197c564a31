"""A feed's columns from the columns of its files, as a mapping says: on the engine, as texts."""

from collections.abc import Mapping as MappingOf

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingest.feeds import FEEDS
from jobs.ingest.mapping import Mapping, Source, identifiers
from jobs.platform.errors import UsageError

_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?\z"
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)? ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?\z"
_PER_MS = {"s": 1_000, "ms": 1, "us": 0.001, "ns": 0.000_001}


def mapped(rows: DataFrame, mapping: Mapping, zone: str) -> DataFrame:
    """Put the feed's columns in place of those of the files.

    A text that is not of a mapping's unit stays as it is, so that the row is kept aside with that text as its reason.

    Args:
        rows: with `fields`, the files' columns as texts.
        mapping: of the feed, which names its columns.
        zone: the lake's time zone.

    Returns:
        The rows, with `fields` of the feed and the text of its user id as `user`.

    Raises:
        UsageError: an expression of the mapping is no Spark SQL.
    """
    feed = FEEDS[mapping.feed]
    fractions = {column.name for column in feed.typed if column.type == "double"} if mapping.decimal_comma else set()
    assert mapping.columns is not None
    needed = dict.fromkeys(name for source in mapping.columns.values() for name in _read_by(source))
    texts = {name: _text(source, zone) for name, source in mapping.columns.items()}
    texts |= {name: _with_point(texts[name]) for name in fractions & texts.keys()}
    defaults = {name: text for name, text in feed.defaults.items() if name not in texts}
    try:
        found = _with_columns(rows, {name: F.col("fields")[name] for name in needed}, texts)
        if defaults:
            own = {name: F.expr(text.format(zone=zone)) for name, text in defaults.items()}
            found = _with_columns(
                found,
                {name: F.col("fields")[name] for name in texts if name != "user_id"},
                own,
                keep=tuple(name for name in texts if name != "user_id"),
            )
        found.schema
    except PySparkException as error:
        line = next(line for line in str(error).splitlines() if line.strip())
        raise UsageError(f"the mapping of {mapping.feed} has an expression that Spark cannot use: {line}") from error
    return found


def _with_columns(
    rows: DataFrame, columns: MappingOf[str, Column], texts: MappingOf[str, Column], keep: tuple[str, ...] = ()
) -> DataFrame:
    """Set `fields` and `user` to texts that are computed from columns of these names, which no other column is in the way of."""
    beside = rows.select(F.struct(*rows.columns).alias("_row"), *(text.alias(name) for name, text in columns.items()))
    all_texts = {**{name: F.col(f"`{name}`") for name in keep}, **texts}
    user = all_texts.pop("user_id", F.col("_row")["user"])
    return beside.select(
        *(F.col("_row")[name].alias(name) for name in rows.columns if name not in ("fields", "user")),
        F.map_from_arrays(F.array(*map(F.lit, all_texts)), F.array(*all_texts.values()))
        .cast("map<string,string>")  # which it is not by itself where there is no column
        .alias("fields"),
        user.alias("user"),
    )


def _read_by(source: Source) -> list[str]:
    return [source.column] if source.column is not None else identifiers(source.expr or "")


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
    """A fraction with a comma as one with a point; one with a point is no number then."""
    trimmed = F.trim(text)
    return (
        F.when(trimmed.rlike(r"^[+-]?[0-9]+(,[0-9]+)?\z"), F.replace(trimmed, F.lit(","), F.lit(".")))
        .when(trimmed.contains("."), F.concat(trimmed, F.lit(" (its fraction should have a comma)")))
        .otherwise(text)
    )
