"""A hash of rows, computed by Spark, that does not depend on the order of rows and columns or on the split into files.

Each row is hashed with xxhash64, and the hashes are added modulo 2**64. A sum does not depend on the order of its terms, and
unlike an exclusive-or it counts duplicate rows. The hash detects accidents (64 bits miss one in 10**19), not forgery.
"""

import zlib
from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING

from schemas.contract import Contract

if TYPE_CHECKING:
    from pyspark.sql import Column

NO_ROWS = "0" * 16
"""The hash of no rows."""


def content_hash(contract: Contract, columns: Collection[str]) -> "Column":
    """Return the hash of all rows as an aggregate expression: 16 hexadecimal digits.

    Columns are identified by name and nulls are ignored, so rows keep their hash when the table gains a column. All NaN are
    equal, and 0.0 equals -0.0. The order of map entries does not matter, the order of array elements does.

    Args:
        contract: the table's contract; its volatile columns are left out.
        columns: the columns of the rows; some of the contract's may be missing.
    """
    from pyspark.sql import functions as F

    hashed: list[Column] = []
    for column in sorted(contract.stable_columns(columns), key=lambda column: column.name):
        value = F.col(f"`{column.name}`")
        # xxhash64 skips nulls, so without the name the same value in the next column would give the same hash.
        name = F.lit(zlib.crc32(column.name.encode())).cast("bigint")
        hashed += [F.when(value.isNotNull(), name), _explicit(value, column.type)]
    row = F.xxhash64(*hashed)
    # Two sums of 32 bits each cannot overflow below 2**31 rows, and cost a tenth of one sum of decimals.
    high, low = F.sum(F.shiftrightunsigned(row, 32)), F.sum(row.bitwiseAND(F.lit(2**32 - 1)))
    total = F.pmod(high.cast("decimal(38,0)") * F.lit(Decimal(2**32)) + low, F.lit(Decimal(2**64)))
    return F.coalesce(F.lower(F.lpad(F.conv(total.cast("string"), 10, 16), 16, "0")), F.lit(NO_ROWS))


def with_replaced(total: str, removed: str, added: str) -> str:
    """Return the hash of rows of which some were replaced.

    Args:
        total: hash of all rows before.
        removed: hash of the rows that were removed.
        added: hash of the rows that replace them.
    """
    return f"{(int(total, 16) - int(removed, 16) + int(added, 16)) % 2**64:016x}"


def _explicit(value: "Column", type_name: str) -> "Column":
    """Convert a value to a form that xxhash64 hashes completely: it supports no maps, and ignores lengths and nested nulls."""
    from pyspark.sql import functions as F

    def explicit(element: "Column", element_type: str) -> tuple["Column", "Column"]:
        return element.isNull(), _explicit(element, element_type)

    if type_name.startswith("array<"):
        element_type = type_name.removeprefix("array<")[:-1]
        return F.struct(F.size(value), F.transform(value, lambda element: F.struct(*explicit(element, element_type))))
    if type_name.startswith("map<"):
        _, _, value_type = type_name.removeprefix("map<")[:-1].partition(",")
        entries = F.sort_array(F.map_entries(value))
        return F.struct(
            F.size(value),
            F.transform(entries, lambda entry: F.struct(entry["key"], *explicit(entry["value"], value_type))),
        )
    return value
