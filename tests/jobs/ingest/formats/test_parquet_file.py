import datetime as dt
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.ingest.formats import USER_ID, Format, records
from jobs.platform.errors import BadInput

PARQUET = Format(kind="parquet", compression="none")


def test_values_are_the_texts_that_csv_would_have(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    moment = dt.datetime(2022, 5, 1, 12, tzinfo=dt.UTC)
    columns = {
        "user": pa.array([2**63 + 1, None], pa.uint64()),
        "ratio": pa.array([3.0, float("nan")]),
        "time": pa.array([moment, None], pa.timestamp("ns", "UTC")),
        "day": pa.array([moment.date(), None]),
        "price": pa.array([Decimal("1.50"), None]),
        "seen": pa.array([True, None]),
        "title": pa.array(["美", None]).dictionary_encode(),
        "videos": pa.array([[1, 2], None]),
    }
    pq.write_table(pa.table(columns), path)
    first, second = records(path, PARQUET, {"user"})
    assert first.fields == {
        "user": "9223372036854775809",
        "ratio": "3.0",
        "time": "2022-05-01 12:00:00.000000000Z",
        "day": "2022-05-01",
        "price": "1.50",
        "seen": "1",
        "title": "美",
        "videos": "[1, 2]",
    }
    assert (first.line, second.line) == (1, 2)
    assert second.fields == dict.fromkeys(columns) | {"ratio": "nan"}
    assert USER_ID in first.raw
    assert "9223372036854775809" not in first.raw


def test_a_file_that_is_cut_or_another_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.parquet"
    pq.write_table(pa.table({"a": list(range(1000))}), path)
    whole = path.read_bytes()
    for damaged in (b"", whole[:-9], b"a,b\n1,2\n"):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match="is damaged or not a Parquet file") as refused:
            list(records(path, PARQUET))
        assert "\n" not in str(refused.value)
