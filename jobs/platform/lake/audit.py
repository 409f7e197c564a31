"""Checks staged rows against the contract before they are published, in one Spark aggregation over their files."""

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

from jobs.platform.errors import BadInput
from jobs.platform.lake.content_hash import content_hash
from jobs.platform.lake.stage import Unreadable, Written
from schemas.contract import Column as ContractColumn
from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

_FRACTIONS = re.compile(r"\b(double|float)>?$")


def audit(spark: "SparkSession", contract: Contract, uri: str, day: dt.date, written: Written) -> str:
    """Read back the written rows and check them.

    Args:
        spark: the session.
        contract: the table's contract.
        uri: the table's location.
        day: the only day that the rows may have.
        written: the result of the write.

    Returns:
        The content hash of the rows.

    Raises:
        Unreadable: the files differ from what was written.
        BadInput: a value is missing, a row breaks a rule or has another day, or two rows have the same key.
    """
    from pyspark.sql import functions as F

    folder = f"{uri}/{written.attempt}"
    rows = spark.read.schema(contract.struct_type()).parquet(folder)
    checks: dict[str, Column] = {f"is of {day}": F.col(contract.day_column) == F.lit(day)}
    checks |= {f"has a {c.name}": F.col(c.name).isNotNull() for c in contract.columns if c.required}
    checks |= {f"has a finite {c.name}": is_finite(c) for c in contract.columns if _FRACTIONS.search(c.type)}
    checks |= {f"{rule.name}: {rule.expression}": F.expr(rule.expression) for rule in contract.rules}
    passed = {name: F.coalesce(check, F.lit(False)) for name, check in checks.items()}
    totals = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        content_hash(contract, [c.name for c in contract.columns]).alias("content"),
        # Cheaper to count than the keys. Equal keys have equal hashes, so no duplicate is missed.
        F.count_distinct(F.xxhash64(*contract.key)).alias("key_hashes"),
        F.count_if(~F.least(*passed.values())).alias("broken"),  # false is less than true
    ).first()
    assert totals is not None  # an aggregate without groups has one row
    total = written.rows
    if totals["rows"] != total or written.content not in (None, totals["content"]):
        raise Unreadable(f"{contract.table}: {folder} does not contain the {total} rows that were written to it")
    if totals["broken"]:
        counts = rows.agg(*(F.count_if(~check).alias(name) for name, check in passed.items())).first()
        assert counts is not None
        name, count = next((name, count) for name, count in counts.asDict().items() if count)
        example = rows.where(~passed[name]).first()
        raise _bad_rows(contract, folder, f"{count} of {total} rows break '{name}'", example)
    if totals["key_hashes"] != total:
        again = rows.groupBy(*contract.key).agg(F.count(F.lit(1)).alias("rows")).where("rows > 1")
        duplicates = again.agg(F.sum(F.col("rows") - 1).alias("rows")).first()
        if duplicates is not None and duplicates["rows"]:
            example = again.orderBy(*contract.key).first()
            raise _bad_rows(contract, folder, f"{duplicates['rows']} of {total} rows have duplicate keys", example)
    return str(totals["content"])


def is_finite(column: ContractColumn) -> "Column":
    """Return an expression: True if a value, or each element of an array or map, is null or a finite number."""
    from pyspark.sql import functions as F

    def check(value: "Column") -> "Column":
        return value.isNull() | (F.abs(value) < float("inf"))  # Spark orders NaN above all numbers

    value = F.col(column.name)
    if column.type.startswith("array<"):
        return value.isNull() | F.forall(value, check)
    if column.type.startswith("map<"):
        return value.isNull() | F.forall(F.map_values(value), check)
    return check(value)


def _bad_rows(contract: Contract, folder: str, problem: str, example: Any) -> BadInput:
    shown = json.dumps(example.asDict() if example else {}, ensure_ascii=False, default=str)[:500]
    return BadInput(f"{contract.table}: {problem}; nothing was published, the rows are in {folder}; e.g. {shown}")
