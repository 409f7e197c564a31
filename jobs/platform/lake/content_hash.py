"""A hash of what rows hold, computed by Spark, whatever the order of rows and columns and however files cut them.

Each row is hashed with xxhash64, and the hashes are added up modulo 2**64: a sum does not depend on the order of its terms, and
unlike an exclusive-or it counts rows that come twice. It finds accidents, of which 64 bits miss one in 10**19; it does not
protect from forgery.
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


def content_hash(contract: Contract, there: Collection[str]) -> "Column":
    """The hash of all rows, as an aggregation: 16 hexadecimal digits.

    Columns count by name, and not where they are null: rows keep their hash when the table gains a column. All NaN are equal, as
    are 0.0 and -0.0. The entries of a map have no order, the elements of an array have.

    Args:
        contract: of the table; its volatile columns are left out.
        there: the columns that the rows have; they may lack some of the contract's.
    """
    from pyspark.sql import functions as F

    hashed: list[Column] = []
    for column in sorted(contract.stable_columns(there), key=lambda column: column.name):
        value = F.col(f"`{column.name}`")
        # xxhash64 passes over nulls, so the same value in the next column would give the same hash.
        name = F.lit(zlib.crc32(column.name.encode())).cast("bigint")
        hashed += [F.when(value.isNotNull(), name), _explicit(value, column.type)]
    row = F.xxhash64(*hashed)
    # Two sums of 32 bits each cannot overflow below 2**31 rows, and cost a tenth of one sum of decimals.
    high, low = F.sum(F.shiftrightunsigned(row, 32)), F.sum(row.bitwiseAND(F.lit(2**32 - 1)))
    total = F.pmod(high.cast("decimal(38,0)") * F.lit(Decimal(2**32)) + low, F.lit(Decimal(2**64)))
    return F.coalesce(F.lower(F.lpad(F.conv(total.cast("string"), 10, 16), 16, "0")), F.lit(NO_ROWS))


def _explicit(value: "Column", type_name: str) -> "Column":
    """The value in a form that xxhash64 hashes completely: it knows no maps, and ignores lengths, and nulls, within a value."""
    from pyspark.sql import functions as F

    def explicit(element: "Column", of_type: str) -> tuple["Column", "Column"]:
        return element.isNull(), _explicit(element, of_type)

    if type_name.startswith("array<"):
        of_element = type_name.removeprefix("array<")[:-1]
        return F.struct(F.size(value), F.transform(value, lambda element: F.struct(*explicit(element, of_element))))
    if type_name.startswith("map<"):
        _, _, of_value = type_name.removeprefix("map<")[:-1].partition(",")
        entries = F.sort_array(F.map_entries(value))
        return F.struct(
            F.size(value),
            F.transform(entries, lambda entry: F.struct(entry["key"], *explicit(entry["value"], of_value))),
        )
    return value
