"""Converts the text fields of a feed's rows to typed rows of its table, with all reasons why a row is invalid."""

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
    """Return the columns of the feed's table, with `raw` and `reasons`. Rows of erased users are left out.

    A row without reasons is valid. A field that cannot be read is null. A reason names the field and its text, or the rule of the
    contract that is broken, or describes what is wrong with the row as a whole.

    Args:
        rows: as returned by `landed_rows`, with `arrival_date`.
        feed: of the rows.
        settings: the lake's time zone, and how late a row may arrive.
    """
    contract = load_contract(feed.table)
    typed = {column.name: _typed(column, _text(column.name), feed) for column in feed.typed}
    others = {name: _text(name) for name in feed.columns if name not in typed}
    passed_on = [name for name in rows.columns if name not in typed]
    typed_rows = rows.where(f"coalesce(problem != '{ERASED}', true)").selectExpr(
        *passed_on, *(f"{sql} AS `{name}`" for name, sql in {**typed, **others}.items())
    )
    parameters = {"zone": settings.timezone.key, "late_days": settings.late_days}
    complete = typed_rows.selectExpr(
        "*", *(f"{sql.format(**parameters)} AS `{name}`" for name, sql in feed.derived.items())
    )
    checks = (
        *(_unreadable(column) for column in feed.typed),
        *(sql.format(**parameters) for sql in feed.reasons.values()),
        *_broken_rules(contract),
    )
    # Most rows are valid. The test of all checks stops at the first reason, and only then the array is built.
    is_valid = " AND ".join(f"({check}) IS NULL" for check in ("problem", *checks))
    reasons = (
        f"CASE WHEN {is_valid} THEN array() "
        f"WHEN problem IS NULL THEN array_compact(array({', '.join(checks)})) ELSE array(problem) END AS reasons"
    )
    names = dict.fromkeys((*(column.name for column in contract.columns), "log_file", "log_line", "raw"))
    return complete.selectExpr(*(f"`{name}`" for name in names), reasons)


def valid_rows(parsed: DataFrame) -> DataFrame:
    """Return the parsed rows without reasons."""
    return parsed.where("size(reasons) = 0")


def _typed(column: Column, text: str, feed: Feed) -> str:
    """Return SQL for the value of a text, null if the text is not exactly a value of the column's type."""
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
    raise ValueError(f"{feed.table}: a feed's text cannot be converted to {column.type}; derive {column.name} instead")


def _text(name: str) -> str:
    """Return SQL for the text of a column. Qualified, because a column of the contract can have the same name."""
    return "user_id" if name == "user_id" else f"fields.`{name}`"


def _unreadable(column: Column) -> str:
    """Return SQL for the reason if a field has no value of the column's type, or is empty although required; else null."""
    text = _text(column.name)
    shown = f"concat('{column.name} is no {column.type}: \\'', substring({text}, 1, {_LONGEST_SHOWN}), '\\'')"
    missing = f"'{column.name} is missing'" if column.required else "NULL"
    return f"CASE WHEN `{column.name}` IS NULL THEN CASE WHEN {text} IS NULL THEN {missing} ELSE {shown} END END"


def _broken_rules(contract: Contract) -> list[str]:
    # A rule on an unreadable field evaluates to null, which is right: the field already has its own reason.
    return [
        f"CASE WHEN NOT ({rule.expression}) THEN {_literal(f'{rule.name}: {rule.expression}')} END"
        for rule in contract.rules
    ]


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
