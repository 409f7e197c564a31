"""Days of a small table, written without Spark, so that a test can make hundreds of publications in seconds."""

import datetime as dt

import pyarrow as pa
from deltalake import DeltaTable

from jobs.platform import publish, staging
from jobs.platform.failpoint import failpoint
from schemas.contract import contract

TABLE = "silver.quarantine"
"""A table with a list, a long text and a day."""


def rows(day: dt.date, count: int, said: str = "") -> list[dict[str, object]]:
    """Rows of a day that differ by `said`."""
    return [
        {
            "source": "silver.behavior_events",
            "log_file": f"dt={day}/part-00000.csv.gz",
            "log_line": number + 2,
            "raw": f"{said},{number},{'0' * 40}",
            "reasons": ["tab_not_negative"],
        }
        for number in range(count)
    ]


def stage(uri: str, day: dt.date, content: list[dict[str, object]]) -> staging.Staged:
    """Write a day's rows aside, and describe them."""
    schema = pa.schema(DeltaTable(uri).schema())
    table = pa.Table.from_pylist([row | {"arrival_date": day} for row in content], schema)
    written = staging.write_arrow(table, contract(TABLE), uri, day, schema)
    return staging.staged(uri, contract(TABLE), day, written, schema)


def publish_day(uri: str, day: dt.date, content: list[dict[str, object]]) -> int:
    """Publish a day's rows; the table's version."""
    seen = publish.token(uri, day)
    failpoint("begun")
    return publish.commit(uri, contract(TABLE), stage(uri, day, content), seen, {"run": "test", "inputs": {}})


def read(uri: str, day: dt.date) -> list[str]:
    """The `raw` of a day's rows, in order."""
    table = DeltaTable(uri).to_pyarrow_table(columns=["raw"], filters=[("arrival_date", "=", day)])
    return sorted(table["raw"].to_pylist())
