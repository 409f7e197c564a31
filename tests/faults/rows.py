"""Days of a small table, written without Spark, so that a test can make hundreds of publications in seconds."""

import datetime as dt
import hashlib
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable

from jobs.platform.failpoint import failpoint
from jobs.platform.lake import commit, log_backup
from jobs.platform.lake.history import latest
from jobs.platform.lake.stage import Staged
from schemas.contract import load_contract
from tests import publishing

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


def as_table(uri: str, day: dt.date, content: list[dict[str, object]]) -> pa.Table:
    """A day's rows with all columns of the table."""
    return pa.Table.from_pylist([row | {"arrival_date": day} for row in content], pa.schema(DeltaTable(uri).schema()))


def stage(uri: str, day: dt.date, content: list[dict[str, object]]) -> Staged:
    """Write a day's rows aside, and describe them."""
    return publishing.stage(uri, load_contract(TABLE), day, as_table(uri, day, content))


def publish_day(uri: str, day: dt.date, content: list[dict[str, object]]) -> int:
    """Publish a day's rows; the table's version."""
    seen = commit.token(uri, day)
    failpoint("begun")
    return commit.commit(uri, load_contract(TABLE), stage(uri, day, content), seen, {"run": "test", "inputs": {}})


def damage(uri: str) -> list[str]:
    """What is damaged of a table's log and of its published files, found without Spark."""
    found = log_backup.find_damage(Path(uri))
    for publication in latest(uri).values():
        for path, sha256 in publication.files.items():
            if hashlib.sha256(Path(uri, path).read_bytes()).hexdigest() != sha256:
                found.append(path)
    return found


def read(uri: str, day: dt.date) -> list[str]:
    """The `raw` of a day's rows, in order."""
    table = DeltaTable(uri).to_pyarrow_table(columns=["raw"], filters=[("arrival_date", "=", day)])
    return sorted(table["raw"].to_pylist())
