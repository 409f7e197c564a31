"""The rows of a landed feed on the engine: files are read by the executors, one task a file, and ids become pseudonyms.

What comes out has the feed's columns as texts, whatever the files looked like, and no real user id.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.ingest import landed_files
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, FEEDS, NIGHTLY
from jobs.ingest.formats import ERASED, USER_ID, Record, records
from jobs.ingest.mapped import mapped
from jobs.ingest.mapping import Mapping as FeedMapping
from jobs.platform import pseudonym
from jobs.platform.decisions import EMPTY, SNAPSHOT, decided
from jobs.platform.errors import BadInput
from jobs.platform.night import Night
from jobs.platform.pseudonym import pseudonym_column
from jobs.platform.whole_number import id_sql

INVALID = "invalid"
"""Stands for a user id that is no id: its text may still tell who the user is."""

_BATCH = 10_000
_SCHEMA = pa.schema(
    [
        ("log_file", pa.string()),
        ("log_line", pa.int64()),
        ("raw", pa.string()),
        ("fields", pa.map_(pa.string(), pa.string())),
        ("user", pa.string()),
        ("problem", pa.string()),
        ("numbers", pa.list_(pa.string())),
    ]
)
_DDL = (
    "log_file string, log_line bigint, raw string, fields map<string,string>, user string, problem string, "
    "numbers array<string>"
)


def landed(night: Night, feed: str) -> DataFrame:
    """All records of a feed that landed in the night, whose commit then names their digest.

    Returns:
        What `read` does, with `arrival_date`.

    Raises:
        MissingInput: the feed of the night has not been laid, or not to its end.
        BadInput: it has no row, or a file lacks a column. What is wrong further in a file is found where the rows are used.
    """
    landing, day = night.settings.landing, night.date
    files = landed_files.files(landing, feed, day)
    mapping = landed_files.mapping(landing, feed, day)
    # A decision that the night goes by becomes a rule of what is written, so it is asked for even where nothing depends on it.
    decision = decided(night, EMPTY if feed == BEHAVIOR_LOGS else SNAPSHOT, feed) if feed in NIGHTLY else None
    may_be_empty = feed == CAMPAIGNS or (feed == BEHAVIOR_LOGS and decision is not None)
    if not may_be_empty and not landed_files.has_row(files.values(), mapping):
        raise BadInput(landed_files.no_row(landing, feed, day))
    night.landed[feed] = landed_files.digest(landing, feed, day)
    named = {f"{feed}/dt={day}/{name}": path for name, path in files.items()}
    rows = read(night.spark, named, mapping, pseudonym.key(night.settings), night.settings.timezone.key)
    return rows.withColumn("arrival_date", F.lit(day))


def read(spark: SparkSession, files: Mapping[str, Path], mapping: FeedMapping, key: bytes, zone: str) -> DataFrame:
    """All records of some files of a feed.

    Args:
        spark: whose executors read them.
        files: name to be given to each -> where it lies.
        mapping: how they are read.
        key: the lake's pseudonym key.
        zone: the lake's time zone.

    Returns:
        `log_file`, `log_line`, `raw`; `fields`, the feed's columns but the user id as texts, null where there is no value;
        `problem`, why the record could not be read, or ERASED; `user_id`, the pseudonym or INVALID, null in a feed without
        users; `numbers`, the pseudonyms of the ids that a record with a problem may hold.
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
    places = [(name, str(path)) for name, path in files.items()]
    how, user_columns, nulls = mapping.format, mapping.user_columns, frozenset(mapping.nulls)
    user = "user_id" if mapping.columns is None and user_columns else None

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                name, path = places[number]
                found = records(Path(path), how, user_columns)
                while some := list(islice(found, _BATCH)):
                    yield _batch(name, some, user, nulls)

    return spark.range(len(places), numPartitions=len(places)).mapInArrow(read, _DDL)


def _batch(name: str, some: Sequence[Record], user: str | None, nulls: frozenset[str]) -> pa.RecordBatch:
    fields = [{column: None if text in nulls else text for column, text in record.fields.items()} for record in some]
    users = [found.pop(user, None) if user else None for found in fields]
    columns = [
        pa.array([name] * len(some), pa.string()),
        pa.array([record.line for record in some], pa.int64()),
        pa.array([record.raw for record in some], pa.string()),
        pa.array([list(found.items()) for found in fields], _SCHEMA.field("fields").type),
        pa.array(users, pa.string()),
        pa.array([record.problem for record in some], pa.string()),
        pa.array([list(record.numbers) for record in some], _SCHEMA.field("numbers").type),
    ]
    return pa.record_batch(columns, schema=_SCHEMA)
