"""Reads the files of a landed feed with Spark, one task per file, and replaces user ids by pseudonyms.

The result has the feed's columns as strings, whatever the format of the files, and no real user id.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.ingest import landed_files
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, FEEDS, NIGHTLY
from jobs.ingest.formats import ERASED, USER_ID, Record, records
from jobs.ingest.mapped import mapped
from jobs.ingest.mapping import Mapping as FeedMapping
from jobs.platform import pseudonym
from jobs.platform.decisions import EMPTY, SNAPSHOT, find_decision
from jobs.platform.errors import BadInput
from jobs.platform.job_context import JobContext
from jobs.platform.pseudonym import pseudonym_column
from jobs.platform.whole_number import id_sql

INVALID = "invalid"
"""Replaces a malformed user id, because its text may still identify the user."""

_BATCH = 10_000
_COUNTS = pa.schema([("records", pa.int64()), ("erased", pa.int64())])


def landed_rows(context: JobContext, feed: str) -> DataFrame:
    """Return all records of a feed from the night's landing. The job's commit records the digest of the files.

    Returns:
        The columns of `read` and `arrival_date`.

    Raises:
        MissingInput: the night's landing of the feed is missing or incomplete.
        BadInput: it has no row, or a file lacks a column. Errors in later lines of a file are raised when the rows are used.
    """
    files, mapping = _files(context, feed)
    rows = read(context.spark, files, mapping, pseudonym.key(context.settings), context.settings.timezone.key)
    return rows.withColumn("arrival_date", F.lit(context.date))


def record_counts(context: JobContext, feed: str) -> DataFrame:
    """Return the number of `records` in each file of a feed in the night's landing, and how many belong to `erased` users.

    Raises:
        MissingInput, BadInput: see `landed_rows`.
    """
    files, mapping = _files(context, feed)
    file_format = mapping.format

    def count(_: str, path: Path) -> Iterator[pa.RecordBatch]:
        counts = Counter(record.problem == ERASED for record in records(path, file_format))
        yield pa.record_batch([[counts.total()], [counts[True]]], schema=_COUNTS)

    return _map_files(context.spark, files, count, _COUNTS)


def _files(context: JobContext, feed: str) -> tuple[dict[str, Path], FeedMapping]:
    """Return the night's files by the names that the rows keep in `log_file`, and the mapping to read them with."""
    landing, day = context.settings.landing, context.date
    files = landed_files.files(landing, feed, day)
    mapping = landed_files.mapping(landing, feed, day)
    # Always looked up, even if the result does not matter here: an applied decision is recorded as a fingerprint in the commit.
    decision = find_decision(context, EMPTY if feed == BEHAVIOR_LOGS else SNAPSHOT, feed) if feed in NIGHTLY else None
    may_be_empty = feed == CAMPAIGNS or (feed == BEHAVIOR_LOGS and decision is not None)
    if not may_be_empty and not landed_files.has_row(files.values(), mapping):
        raise BadInput(landed_files.no_row(landing, feed, day))
    context.lake.record_landed(feed, landed_files.digest(landing, feed, day))
    return {f"{feed}/dt={day}/{name}": path for name, path in files.items()}, mapping


def read(spark: SparkSession, files: Mapping[str, Path], mapping: FeedMapping, key: bytes, zone: str) -> DataFrame:
    """Return all records of the given files of a feed.

    Args:
        spark: the session whose executors read the files.
        files: name for `log_file` -> path.
        mapping: describes the format and columns of the files.
        key: the lake's pseudonym key.
        zone: the lake's time zone.

    Returns:
        `log_file`, `log_line`, `raw`; `fields`, a struct of the feed's columns as strings, without the user id, null if there is
        no value; `others`, a map of the unknown columns, empty if the mapping renames columns; `problem`, why the record could
        not be read, or ERASED; `user_id`, the pseudonym or INVALID, null in a feed without users; `numbers`, the pseudonyms of
        the ids that a record with a problem may contain.
    """
    rows = _read(spark, files, mapping)
    if mapping.columns is not None:
        rows = mapped(rows, mapping, zone)
    if not FEEDS[mapping.feed].personal:
        return rows.withColumn("user_id", F.lit(None).cast("string")).drop("user")
    ids = F.expr(f"transform(numbers, text -> string({id_sql('text')}))")
    user = F.coalesce(pseudonym_column(F.expr(f"string({id_sql('user')})"), key), F.lit(INVALID))
    return (
        rows.withColumn("user_id", F.when(F.col("problem").isNull() | (F.col("problem") != ERASED), user))
        .withColumns(
            {
                "raw": F.replace("raw", F.lit(USER_ID), F.coalesce("user_id", F.lit(""))),
                "numbers": F.transform(ids, lambda user_id: pseudonym_column(user_id, key)),
            }
        )
        .drop("user")
    )


def _read(spark: SparkSession, files: Mapping[str, Path], mapping: FeedMapping) -> DataFrame:
    """Return the records with the columns of the files. `user` is the text of the user id if the columns are the feed's."""
    user_columns = mapping.user_columns
    is_mapped, nulls = mapping.columns is not None, frozenset(mapping.nulls)
    user = "user_id" if user_columns and not is_mapped else None
    columns = [name for name in mapping.source_columns if name != user]
    known_columns = {*columns, user}
    schema = _schema(columns)
    types = pa.schema(list(schema.field("fields").type))

    def text(record: Record, name: str) -> str | None:
        value = record.fields.get(name)
        return None if value in nulls else value

    def others(record: Record) -> list[tuple[str, str | None]]:
        return [] if is_mapped else [(name, text(record, name)) for name in record.fields if name not in known_columns]

    def batch(file: str, chunk: Sequence[Record]) -> pa.RecordBatch:
        texts = {name: [text(record, name) for record in chunk] for name in columns}
        content = {
            "log_file": [file] * len(chunk),
            "log_line": [record.line for record in chunk],
            "raw": [record.raw for record in chunk],
            # A mapping of constants has no column, and a batch without columns has no length.
            "fields": pa.RecordBatch.from_pydict(texts, types).to_struct_array() if texts else [{}] * len(chunk),
            "others": [others(record) for record in chunk],
            "user": [text(record, user) if user else None for record in chunk],
            "problem": [record.problem for record in chunk],
            "numbers": [list(record.numbers) for record in chunk],
        }
        return pa.RecordBatch.from_pydict(content, schema)

    def batches(file: str, path: Path) -> Iterator[pa.RecordBatch]:
        remaining = records(path, mapping.format, user_columns)
        while chunk := list(islice(remaining, _BATCH)):
            yield batch(file, chunk)

    return _map_files(spark, files, batches, schema)


def _map_files(
    spark: SparkSession,
    files: Mapping[str, Path],
    batches: Callable[[str, Path], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
) -> DataFrame:
    """Apply `batches` to the name and path of each file, one Spark task per file."""
    names_and_paths = [(name, str(path)) for name, path in files.items()]

    def run(indices: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in indices:
            for index in batch.column(0).to_pylist():
                name, path = names_and_paths[index]
                yield from batches(name, Path(path))

    return spark.range(len(names_and_paths), numPartitions=len(names_and_paths)).mapInArrow(
        run, from_arrow_schema(schema)
    )


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema(
        [
            ("log_file", pa.string()),
            ("log_line", pa.int64()),
            ("raw", pa.string()),
            ("fields", pa.struct([(name, pa.string()) for name in columns])),
            ("others", pa.map_(pa.string(), pa.string())),
            ("user", pa.string()),
            ("problem", pa.string()),
            ("numbers", pa.list_(pa.string())),
        ]
    )
