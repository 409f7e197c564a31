"""The rows of a landed feed on the engine: files are read by the executors, one task a file, and ids become pseudonyms.

What comes out has the feed's columns as texts, whatever the files looked like, and no real user id.
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
"""Stands for a user id that is no id: its text may still tell who the user is."""

_BATCH = 10_000
_COUNTS = pa.schema([("records", pa.int64()), ("erased", pa.int64())])


def landed(context: JobContext, feed: str) -> DataFrame:
    """All records of a feed that landed in the night, whose commit then names their digest.

    Returns:
        What `read` does, with `arrival_date`.

    Raises:
        MissingInput: the feed of the night has not been laid, or not to its end.
        BadInput: it has no row, or a file lacks a column. What is wrong further in a file is found where the rows are used.
    """
    files, mapping = _files(context, feed)
    rows = read(context.spark, files, mapping, pseudonym.key(context.settings), context.settings.timezone.key)
    return rows.withColumn("arrival_date", F.lit(context.date))


def counted(context: JobContext, feed: str) -> DataFrame:
    """How many `records` each file of a feed that landed in the night has, and how many of them are of `erased` users.

    Raises:
        MissingInput, BadInput: see `landed`.
    """
    files, mapping = _files(context, feed)
    how = mapping.format

    def count(_: str, path: Path) -> Iterator[pa.RecordBatch]:
        found = Counter(record.problem == ERASED for record in records(path, how))
        yield pa.record_batch([[found.total()], [found[True]]], schema=_COUNTS)

    return _of_each(context.spark, files, count, _COUNTS)


def _files(context: JobContext, feed: str) -> tuple[dict[str, Path], FeedMapping]:
    """The files of the night by the names that rows keep, and how they are read."""
    landing, day = context.settings.landing, context.date
    files = landed_files.files(landing, feed, day)
    mapping = landed_files.mapping(landing, feed, day)
    # A decision that the night goes by becomes a rule of what is written, so it is asked for even where nothing depends on it.
    decision = find_decision(context, EMPTY if feed == BEHAVIOR_LOGS else SNAPSHOT, feed) if feed in NIGHTLY else None
    may_be_empty = feed == CAMPAIGNS or (feed == BEHAVIOR_LOGS and decision is not None)
    if not may_be_empty and not landed_files.has_row(files.values(), mapping):
        raise BadInput(landed_files.no_row(landing, feed, day))
    context.lake.record_landed(feed, landed_files.digest(landing, feed, day))
    return {f"{feed}/dt={day}/{name}": path for name, path in files.items()}, mapping


def read(spark: SparkSession, files: Mapping[str, Path], mapping: FeedMapping, key: bytes, zone: str) -> DataFrame:
    """All records of some files of a feed.

    Args:
        spark: whose executors read them.
        files: name to be given to each -> where it lies.
        mapping: how they are read.
        key: the lake's pseudonym key.
        zone: the lake's time zone.

    Returns:
        `log_file`, `log_line`, `raw`; `fields`, a struct of the feed's columns but the user id as texts, null where there is no
        value; `others`, a map of the columns that nobody reads, empty
        where the files are mapped; `problem`, why the record could not be read, or
        ERASED; `user_id`, the pseudonym or INVALID, null in a feed without users; `numbers`, the pseudonyms of the ids that a
        record with a problem may hold.
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
    """The records of the files with their own columns; `user` is the text of the user id where the files have the feed's."""
    how, user_columns = mapping.format, mapping.user_columns
    is_mapped, nulls = mapping.columns is not None, frozenset(mapping.nulls)
    user = "user_id" if user_columns and not is_mapped else None
    columns = [name for name in mapping.source_columns if name != user]
    known = {*columns, user}
    schema = _schema(columns)
    types = pa.schema(list(schema.field("fields").type))

    def text(record: Record, name: str) -> str | None:
        found = record.fields.get(name)
        return None if found in nulls else found

    def others(record: Record) -> list[tuple[str, str | None]]:
        return [] if is_mapped else [(name, text(record, name)) for name in record.fields if name not in known]

    def batch(file: str, some: Sequence[Record]) -> pa.RecordBatch:
        texts = {name: [text(record, name) for record in some] for name in columns}
        content = {
            "log_file": [file] * len(some),
            "log_line": [record.line for record in some],
            "raw": [record.raw for record in some],
            # A mapping of constants has no column, and a batch without columns has no length.
            "fields": pa.RecordBatch.from_pydict(texts, types).to_struct_array() if texts else [{}] * len(some),
            "others": [others(record) for record in some],
            "user": [text(record, user) if user else None for record in some],
            "problem": [record.problem for record in some],
            "numbers": [list(record.numbers) for record in some],
        }
        return pa.RecordBatch.from_pydict(content, schema)

    def batches(file: str, path: Path) -> Iterator[pa.RecordBatch]:
        found = records(path, how, user_columns)
        while some := list(islice(found, _BATCH)):
            yield batch(file, some)

    return _of_each(spark, files, batches, schema)


def _of_each(
    spark: SparkSession,
    files: Mapping[str, Path],
    batches: Callable[[str, Path], Iterator[pa.RecordBatch]],
    schema: pa.Schema,
) -> DataFrame:
    """What a function makes of each file, by its name and place: a task a file."""
    places = [(name, str(path)) for name, path in files.items()]

    def run(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                name, path = places[number]
                yield from batches(name, Path(path))

    return spark.range(len(places), numPartitions=len(places)).mapInArrow(run, from_arrow_schema(schema))


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
