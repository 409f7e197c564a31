"""Turns the texts of a feed's rows into typed rows of its table, each with every reason why it may not be used."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.ingest.feeds import Feed
from jobs.ingest.formats import ERASED
from jobs.platform.settings import Settings
from jobs.platform.whole_number import BLANKS, whole_number_column
from schemas.contract import Column as ContractColumn
from schemas.contract import Contract, contract

_FRACTION = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\z"
_ISO_DAY = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})([ T]00:00:00(\.0+)?)?\z"
_LONGEST_SHOWN = 40


def parse(rows: DataFrame, feed: Feed, settings: Settings) -> DataFrame:
    """The columns of the feed's table, with `raw` and `reasons`; rows of erased users are left out.

    A row without reasons is valid. The others keep null where a field could not be read. A reason names the field and its
    text, or the contract's rule that does not hold, or says what is wrong with the row as a whole.

    Args:
        rows: as `landed` gives them, with `arrival_date`.
        feed: of the rows.
        settings: the lake's time zone, and how late a row may arrive.
    """
    agreed = contract(feed.table)
    texts = {name: F.col("user_id") if name == "user_id" else F.col("fields")[name] for name in feed.columns}
    typed = {column.name: _typed(column, texts[column.name], feed) for column in feed.typed}
    others = {name: texts[name] for name in feed.columns if name not in typed}
    known = rows.where(F.coalesce(F.col("problem") != ERASED, F.lit(True))).withColumns({**typed, **others})
    said = {"zone": settings.timezone.key, "late_days": settings.late_days}
    whole = known.withColumns({name: F.expr(sql.format(**said)) for name, sql in feed.derived.items()})
    broken = (
        *(_unread(column, texts[column.name]) for column in feed.typed),
        *(F.expr(sql.format(**said)) for sql in feed.reasons.values()),
        *_broken_rules(agreed),
    )
    reasons = F.when(F.col("problem").isNull(), F.array_compact(F.array(*broken))).otherwise(F.array("problem"))
    return whole.withColumn("reasons", reasons).select(
        *dict.fromkeys((*(column.name for column in agreed.columns), "log_file", "log_line", "raw", "reasons"))
    )


def valid(parsed: DataFrame) -> DataFrame:
    """The parsed rows that break no rule."""
    return parsed.where(F.size("reasons") == 0)


def _typed(column: ContractColumn, text: Column, feed: Feed) -> Column:
    """The value of a text, null where it is none of the column's type: never another one than what is written."""
    stripped = F.btrim(text, F.lit(BLANKS))
    match column.type:
        case "int" | "bigint":
            return whole_number_column(text).try_cast(column.type)
        case "double":
            number = F.when(stripped.rlike(_FRACTION), stripped).try_cast("double")
            return F.when(F.abs(number) < float("inf"), number)
        case "date" if column.name in feed.dates:
            day = whole_number_column(text).cast("string") if feed.dates[column.name] == "yyyyMMdd" else stripped
            return F.try_to_date(day, feed.dates[column.name])
        case "date":
            return F.try_to_date(F.regexp_extract(stripped, _ISO_DAY, 1), "yyyy-MM-dd")
        case "string":
            return text
    raise ValueError(f"{feed.table}: the texts of a feed become no {column.type}; derive {column.name}")


def _unread(column: ContractColumn, text: Column) -> Column:
    """The reason of a row whose field holds no value of the column's type, or none though it must."""
    shown = F.concat(F.lit(f"{column.name} is no {column.type}: '"), F.substring(text, 1, _LONGEST_SHOWN), F.lit("'"))
    missing = F.lit(f"{column.name} is missing") if column.required else F.lit(None)
    return F.when(F.col(column.name).isNull(), F.when(text.isNull(), missing).otherwise(shown))


def _broken_rules(agreed: Contract) -> list[Column]:
    # A rule over a field that could not be read is null: the field's own reason says it already.
    return [F.when(~F.expr(rule.expression), F.lit(f"{rule.name}: {rule.expression}")) for rule in agreed.rules]
