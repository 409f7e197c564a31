"""Parquet files: values are converted to the strings that a CSV file would contain."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from infra.storage import Location
from jobs.ingest.formats.compression import bad_file
from jobs.ingest.formats.format import Format
from jobs.ingest.formats.json_lines import text_of
from jobs.ingest.formats.record import USER_ID, Record

_BATCH = 10_000


def names(path: Location) -> tuple[str, ...]:
    """Return the column names of a file."""
    try:
        with path.open("rb") as file:
            columns = pq.read_schema(file).names
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    if len(set(columns)) < len(columns):
        raise bad_file(path, "has two columns with the same name", "land it with unique column names")
    return tuple(columns)


def records(path: Location, how: Format, user_columns: frozenset[str]) -> Iterator[Record]:
    """Yield the rows of a file, see `record.records`."""
    columns = names(path)
    number = 0
    try:
        with path.open("rb") as opened, pq.ParquetFile(opened, page_checksum_verification=True) as file:
            for batch in file.iter_batches(_BATCH):
                for row in zip(*(_texts(column) for column in batch.columns), strict=True):
                    number += 1
                    fields = dict(zip(columns, row, strict=True))
                    shown = {name: USER_ID if name in user_columns else text for name, text in fields.items()}
                    raw = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).replace("\\u0000", USER_ID)
                    yield Record(number, raw, fields)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _texts(column: pa.Array) -> list[str | None]:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_temporal(column.type) or pa.types.is_decimal(column.type):
        column = column.cast(pa.string())
    return [_text(value) for value in column.to_pylist()]


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value) if isinstance(value, float) else text_of(value)


def _unreadable(path: Location, error: Exception) -> Exception:
    return bad_file(path, f"is damaged or not a Parquet file ({str(error).splitlines()[0]})", "copy or land it again")
