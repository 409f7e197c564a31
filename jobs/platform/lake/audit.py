"""Checks what was written against the contract before it is published: one aggregation by Spark over its files."""

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
    """Read back what was written, and check it.

    Args:
        spark: the session that reads.
        contract: of the table.
        uri: where the table lies.
        day: the only day that the rows may be of.
        written: what the files should hold.

    Returns:
        The content hash of the rows.

    Raises:
        Unreadable: the files hold something else than what was written.
        BadInput: a value is missing, a row breaks a rule or is of another day, or two rows have one key.
    """
    from pyspark.sql import functions as F

    where = f"{uri}/{written.attempt}"
    rows = spark.read.schema(contract.struct_type()).parquet(where)
    checks: dict[str, Column] = {f"is of {day}": F.col(contract.day_column) == F.lit(day)}
    checks |= {f"has a {c.name}": F.col(c.name).isNotNull() for c in contract.columns if c.required}
    checks |= {f"has a finite {c.name}": is_finite(c) for c in contract.columns if _FRACTIONS.search(c.type)}
    checks |= {f"{rule.name}: {rule.expression}": F.expr(rule.expression) for rule in contract.rules}
    kept = {name: F.coalesce(check, F.lit(False)) for name, check in checks.items()}
    found = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        content_hash(contract, [c.name for c in contract.columns]).alias("content"),
        F.count_distinct(F.xxhash64(*contract.key)).alias("key_hashes"),  # cheaper than the keys, and never more of them
        F.count_if(~F.least(*kept.values())).alias("broken"),  # false is less than true
    ).first()
    assert found is not None  # an aggregate without groups has one row
    total = written.rows
    if found["rows"] != total or written.content not in (None, found["content"]):
        raise Unreadable(f"{contract.table}: {where} does not hold the {total} rows that were written to it")
    if found["broken"]:
        counts = rows.agg(*(F.count_if(~check).alias(name) for name, check in kept.items())).first()
        assert counts is not None
        name, count = next((name, count) for name, count in counts.asDict().items() if count)
        example = rows.where(~kept[name]).first()
        raise _broken(contract, where, f"{count} of {total} rows break '{name}'", example)
    if found["key_hashes"] != total:
        again = rows.groupBy(*contract.key).agg(F.count(F.lit(1)).alias("rows")).where("rows > 1")
        repeated = again.agg(F.sum(F.col("rows") - 1).alias("rows")).first()
        if repeated is not None and repeated["rows"]:
            example = again.orderBy(*contract.key).first()
            raise _broken(contract, where, f"{repeated['rows']} of {total} rows have the key of another one", example)
    return str(found["content"])


def is_finite(column: ContractColumn) -> "Column":
    """Whether a value, or each value that it holds, is null or a number that is neither NaN nor infinite."""
    from pyspark.sql import functions as F

    def check(value: "Column") -> "Column":
        return value.isNull() | (F.abs(value) < float("inf"))  # to Spark NaN is more than any number

    value = F.col(column.name)
    if column.type.startswith("array<"):
        return value.isNull() | F.forall(value, check)
    if column.type.startswith("map<"):
        return value.isNull() | F.forall(F.map_values(value), check)
    return check(value)


def _broken(contract: Contract, where: str, what: str, example: Any) -> BadInput:
    shown = json.dumps(example.asDict() if example else {}, ensure_ascii=False, default=str)[:500]
    return BadInput(f"{contract.table}: {what}; nothing was published, the rows are in {where}; e.g. {shown}")
