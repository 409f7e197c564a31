"""Turns the texts of a feed's rows into typed rows of its table, each with every reason why it may not be used."""

from pyspark.sql import DataFrame

from jobs.ingest.feeds import Feed
from jobs.ingest.formats import ERASED
from jobs.platform.settings import Settings
from jobs.platform.whole_number import whole_number_sql
from schemas.contract import Column, Contract, load_contract

_FRACTION = r"^ *[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *\z"
_ISO_DAY = r"^ *([0-9]{4}-[0-9]{2}-[0-9]{2})([ T]00:00:00(\.0+)?)? *\z"
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
    contract = load_contract(feed.table)
    typed = {column.name: _typed(column, _text(column.name), feed) for column in feed.typed}
    others = {name: _text(name) for name in feed.columns if name not in typed}
    beside = [name for name in rows.columns if name not in typed]
    known = rows.where(f"coalesce(problem != '{ERASED}', true)").selectExpr(
        *beside, *(f"{sql} AS `{name}`" for name, sql in {**typed, **others}.items())
    )
    said = {"zone": settings.timezone.key, "late_days": settings.late_days}
    whole = known.selectExpr("*", *(f"{sql.format(**said)} AS `{name}`" for name, sql in feed.derived.items()))
    broken = (
        *(_unread(column) for column in feed.typed),
        *(sql.format(**said) for sql in feed.reasons.values()),
        *_broken_rules(contract),
    )
    reasons = (
        f"CASE WHEN problem IS NULL THEN array_compact(array({', '.join(broken)})) ELSE array(problem) END AS reasons"
    )
    names = dict.fromkeys((*(column.name for column in contract.columns), "log_file", "log_line", "raw"))
    return whole.selectExpr(*(f"`{name}`" for name in names), reasons)


def valid(parsed: DataFrame) -> DataFrame:
    """The parsed rows that break no rule."""
    return parsed.where("size(reasons) = 0")


def _typed(column: Column, text: str, feed: Feed) -> str:
    """The value of a text, null where it is none of the column's type: never another one than what is written."""
    match column.type:
        case "bigint":
            return whole_number_sql(text)
        case "int":
            return f"try_cast({whole_number_sql(text)} AS INT)"
        case "double":
            number = f"CAST({text} AS DOUBLE)"
            return f"CASE WHEN {text} RLIKE r'{_FRACTION}' AND abs({number}) < double('Infinity') THEN {number} END"
        case "date" if column.name in feed.dates:
            return f"try_to_date(string({whole_number_sql(text)}), '{feed.dates[column.name]}')"
        case "date":
            day = f"regexp_extract({text}, r'{_ISO_DAY}', 1)"
            return f"CASE WHEN {text} RLIKE r'{_ISO_DAY}' THEN try_to_date({day}, 'yyyy-MM-dd') END"
        case "string":
            return text
    raise ValueError(f"{feed.table}: the texts of a feed become no {column.type}; derive {column.name}")


def _text(name: str) -> str:
    """The text of a column, which may have the name of another column of the contract."""
    return "user_id" if name == "user_id" else f"fields.`{name}`"


def _unread(column: Column) -> str:
    """The reason of a row whose field holds no value of the column's type, or none though it must."""
    text = _text(column.name)
    shown = f"concat('{column.name} is no {column.type}: \\'', substring({text}, 1, {_LONGEST_SHOWN}), '\\'')"
    missing = f"'{column.name} is missing'" if column.required else "NULL"
    return f"CASE WHEN `{column.name}` IS NULL THEN CASE WHEN {text} IS NULL THEN {missing} ELSE {shown} END END"


def _broken_rules(contract: Contract) -> list[str]:
    # A rule over a field that could not be read is null: the field's own reason says it already.
    return [
        f"CASE WHEN NOT ({rule.expression}) THEN {_literal(f'{rule.name}: {rule.expression}')} END"
        for rule in contract.rules
    ]


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
