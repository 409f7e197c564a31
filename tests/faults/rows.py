"""Days of a small table, written without Spark, so that a test can make hundreds of publications in seconds."""

import datetime as dt
import secrets
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from jobs.platform import publish, staging
from jobs.platform.failpoint import failpoint
from schemas.contract import contract

TABLE = "silver.quarantine"
"""A table with a list, a long text and a day."""

COLUMNS = ["source", "log_file", "log_line", "raw", "reasons"]


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
    """Write a day's rows aside as Spark would, and describe them."""
    attempt = f"{day}-{secrets.token_hex(6)}"
    folder = Path(uri, attempt, f"arrival_date={day}")
    folder.mkdir(parents=True)
    schema = pa.schema([field for field in pa.schema(DeltaTable(uri).schema()) if field.name in COLUMNS])
    half = len(content) // 2
    for number, part in enumerate((content[:half], content[half:])):
        table = pa.Table.from_pylist(part, schema)
        pq.write_table(table, folder / f"part-{number:05}.snappy.parquet", write_page_checksum=True)
    return staging.staged(uri, attempt, contract(TABLE), day, pa.schema(DeltaTable(uri).schema()))


def publish_day(uri: str, day: dt.date, content: list[dict[str, object]]) -> int:
    """Publish a day's rows; the table's version."""
    seen = publish.token(uri, day)
    failpoint("begun")
    return publish.commit(uri, contract(TABLE), stage(uri, day, content), seen, {"run": "test", "inputs": {}})


def read(uri: str, day: dt.date) -> list[str]:
    """The `raw` of a day's rows, in order."""
    table = DeltaTable(uri).to_pyarrow_table(columns=["raw"], filters=[("arrival_date", "=", day)])
    return sorted(table["raw"].to_pylist())
