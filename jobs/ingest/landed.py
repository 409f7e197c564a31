"""Reads the files of a landed feed with Spark, one task per file, and replaces user ids by pseudonyms.

The result has the feed's columns as strings, whatever the format of the files, and no real user id.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra.storage import Location
from jobs.ingest import landed_files, landing, manifest
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, FEEDS, NIGHTLY, OPTIONAL
from jobs.ingest.formats import ERASED, USER_ID, Record, records
from jobs.ingest.manifest import LandedFile
from jobs.ingest.map_files import map_files
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


def landed_rows(context: JobContext, feed: str) -> DataFrame:
    """Return all records of a feed from the night's landing. The job's commit records the digest of the files.

    Returns:
        The columns of `read` and `arrival_date`.

    Raises:
        MissingInput: the night's landing of the feed is missing or incomplete.
        BadInput: it has no row, or other files than when it landed. If a file cannot be read, or has changed since it landed, the
            error is raised when the rows are used.
    """
    root, day, settings = context.settings.landing, context.date, context.settings
    files = {f"{feed}/dt={day}/{name}": file for name, file in landed_files_of(context, feed).items()}
    folder = landing.content(landing.folder(root, feed, day))
    rows = read(
        context.spark,
        {log_file: folder / log_file.rpartition("/")[2] for log_file in files},
        landed_files.mapping(root, feed, day),
        pseudonym.key(settings),
        settings.timezone.key,
        {log_file: file.sha256 for log_file, file in files.items()},
    )
    return rows.withColumn("arrival_date", F.lit(context.date))


def landed_files_of(context: JobContext, feed: str) -> Mapping[str, LandedFile]:
    """Return the night's files of a feed by name, as they landed. The job's commit records their digest.

    Raises:
        MissingInput: the night's landing of the feed is missing or incomplete.
        BadInput: it has no row, or other files than when it landed.
    """
    root, day = context.settings.landing, context.date
    files = manifest.read(root, feed, day)
    # Always looked up, even if the result does not matter here: an applied decision is recorded as a fingerprint in the commit.
    decision = find_decision(context, EMPTY if feed == BEHAVIOR_LOGS else SNAPSHOT, feed) if feed in NIGHTLY else None
    may_be_empty = feed in (CAMPAIGNS, *OPTIONAL) or (feed == BEHAVIOR_LOGS and decision is not None)
    if not may_be_empty and not any(file.records for file in files.values()):
        raise BadInput(landed_files.no_row(root, feed, day))
    context.lake.record_landed(feed, manifest.digest(root, feed, day, files))
    return files


def read(
    spark: SparkSession,
    files: Mapping[str, Location],
    mapping: FeedMapping,
    key: bytes,
    zone: str,
    digests: Mapping[str, str] | None = None,
) -> DataFrame:
    """Return all records of the given files of a feed.

    Args:
        spark: the session whose executors read the files.
        files: name for `log_file` -> path.
        mapping: describes the format and columns of the files.
        key: the lake's pseudonym key.
        zone: the lake's time zone.
        digests: name -> SHA-256 of the file when it landed, if it must not have changed.

    Returns:
        `log_file`, `log_line`, `raw`; `fields`, a struct of the feed's columns as strings, without the user id, null if there is
        no value; `others`, a map of the unknown columns, empty if the mapping renames columns; `problem`, why the record could
        not be read, or ERASED; `user_id`, the pseudonym or INVALID, null in a feed without users; `numbers`, the pseudonyms of
        the ids that a record with a problem may contain.
    """
    rows = _read(spark, files, mapping, digests or {})
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


def _read(
    spark: SparkSession, files: Mapping[str, Location], mapping: FeedMapping, digests: Mapping[str, str]
) -> DataFrame:
    """Return the records with the columns of the files. `user` is the text of the user id if the columns are the feed's."""
    user_columns = mapping.user_columns
    is_mapped, nulls = mapping.columns is not None, frozenset(mapping.nulls)
    user = "user_id" if user_columns and not is_mapped else None
    columns = [name for name in mapping.source_columns if name != user]
    known_columns = {*columns, user}
    schema = _schema(columns)
    types = pa.schema(list(schema.field("fields").type))

    def others(record: Record) -> list[tuple[str, str | None]]:
        if is_mapped or record.fields.keys() <= known_columns:
            return []
        unknown = ((name, text) for name, text in record.fields.items() if name not in known_columns)
        return [(name, None if text in nulls else text) for name, text in unknown]

    def batch(file: str, chunk: Sequence[Record]) -> pa.RecordBatch:
        def texts(name: str) -> list[str | None]:
            values = [record.fields.get(name) for record in chunk]
            return [None if value in nulls else value for value in values]

        fields = {name: texts(name) for name in columns}
        content = {
            "log_file": [file] * len(chunk),
            "log_line": [record.line for record in chunk],
            "raw": [record.raw for record in chunk],
            # A mapping of constants has no column, and a batch without columns has no length.
            "fields": pa.RecordBatch.from_pydict(fields, types).to_struct_array() if fields else [{}] * len(chunk),
            "others": [others(record) for record in chunk],
            "user": texts(user) if user else [None] * len(chunk),
            "problem": [record.problem for record in chunk],
            "numbers": [list(record.numbers) for record in chunk],
        }
        return pa.RecordBatch.from_pydict(content, schema)

    def batches(file: str, path: Location) -> Iterator[pa.RecordBatch]:
        if file in digests and manifest.sha256(path) != digests[file]:
            raise BadInput(f"{path} has changed since it landed; run the night again from ingest.land")
        remaining = records(path, mapping.format, user_columns)
        while chunk := list(islice(remaining, _BATCH)):
            yield batch(file, chunk)

    return map_files(spark, files, batches, schema)


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
