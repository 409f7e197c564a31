"""Remove erased users from the landing: the files of sources contain real user ids, and every rerun of a night reads them.

The user of a row is determined as in ingest, by the same reader, mapping and normalization of ids. In an unreadable row any
number may be the id; such a row is removed if one of its numbers is the id of an erased user. Lines of text are replaced by the
word `erased`, so that other lines keep their numbers and the row counts can include them. Rows of Parquet files are dropped.
"""

import codecs
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from infra.storage import Location
from jobs.ingest import landed_files, landing, manifest
from jobs.ingest.feeds import FEEDS
from jobs.ingest.formats import ERASED, Format, records
from jobs.ingest.formats.compression import unpacked
from jobs.ingest.gzip_file import write_gzip
from jobs.platform import erasure
from jobs.platform.pseudonym import key
from jobs.platform.settings import Settings
from jobs.platform.spark_errors import convert_spark_errors

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PERSONAL = tuple(feed.name for feed in FEEDS.values() if feed.personal)
"""Names of the feeds with user ids, according to the contracts of their tables."""


def find(spark: "SparkSession", settings: Settings, feed: str, date: dt.date) -> dict[str, set[int]]:
    """Return for each file of a complete night the numbers of the lines that belong, or may belong, to users on the erasure list.

    Raises:
        UsageError: the erasure list was made with a key other than the lake's.
        BadInput: a file cannot be read.
    """
    from pyspark.sql import functions as F

    from jobs.ingest.landed import read

    erased = erasure.read(settings)
    if not erased:
        return {}
    secret = key(settings)
    erasure.check_key(settings, secret)
    files = landed_files.files(settings.landing, feed, date)
    if not files:
        return {}
    rows = read(spark, files, landed_files.mapping(settings.landing, feed, date), secret, settings.timezone.key)
    users = F.explode(F.array_append(F.coalesce("numbers", F.array().cast("array<string>")), F.col("user_id")))
    listed = spark.createDataFrame(pa.table({"owner": sorted(erased)}))
    owners = rows.select("log_file", "log_line", users.alias("user")).withColumn(
        "owner", F.sha2(F.encode("user", "UTF-8"), 256)
    )
    lines: dict[str, set[int]] = defaultdict(set)
    with convert_spark_errors(feed):
        for row in owners.join(F.broadcast(listed), "owner", "left_semi").distinct().collect():
            lines[row.log_file].add(row.log_line)
    return dict(lines)


def redact(spark: "SparkSession", settings: Settings, feed: str, date: dt.date) -> int:
    """Remove erased users from a complete night of a feed. Return the number of removed rows.

    Raises:
        UsageError, BadInput: see `find`.
    """
    lines = find(spark, settings, feed, date)
    folder = landing.folder(settings.landing, feed, date)
    file_format = landed_files.mapping(settings.landing, feed, date).format

    def write(aside: Path) -> None:
        for path in landing.source_files(folder):
            if path.name in lines:
                _write_without(path, aside / path.name, file_format, lines[path.name])
            else:
                landing.copy(path, aside)

    if lines or landing.has_leftovers(folder):
        landing.write_folder(folder, write)
        manifest.write(settings.landing, feed, date)
    return sum(map(len, lines.values()))


def _write_without(path: Location, target: Path, file_format: Format, erased: Collection[int]) -> None:
    if file_format.kind == "parquet":
        with path.open("rb") as file:
            rows = pq.read_table(file)
        pq.write_table(rows.filter(pa.array(number not in erased for number in range(1, len(rows) + 1))), target)
        return
    starts = [record.line for record in records(path, file_format)]
    next_starts = dict(zip(starts, [*starts[1:], None], strict=True))
    removed = {start: next_starts[start] for start in erased}
    content = _redacted(_lines(path, file_format), removed, file_format)
    if file_format.compression == "gzip":
        write_gzip(target, content)
    elif file_format.compression == "zstd":
        with pa.OSFile(str(target), "wb") as packed, pa.CompressedOutputStream(packed, "zstd") as file:
            for line in content:
                file.write(line)
    else:
        with target.open("wb") as file:
            file.writelines(content)


def _redacted(lines: Iterable[bytes], removed: dict[int, int | None], file_format: Format) -> Iterator[bytes]:
    """Yield the lines of a file with each removed record replaced by the line `erased`.

    Args:
        lines: the lines of the file.
        removed: first line of each removed record -> first line of the next record, None after the last record.
        file_format: the format of the file.
    """
    encoder = codecs.getincrementalencoder(file_format.encoding)() if _is_wide(file_format) else None
    next_record: int | None = 0
    for number, line in enumerate(lines, 1):
        if number in removed:
            next_record = removed[number]
            line = ERASED.encode() + b"\n"
        elif next_record is None or number < next_record:
            continue
        yield encoder.encode(line.decode()) if encoder else line


def _lines(path: Location, file_format: Format) -> Iterator[bytes]:
    """Yield the lines of a file with their line ends; as UTF-8 if a line feed is more than one byte in the file's encoding."""
    decoder = codecs.getincrementaldecoder(file_format.encoding)() if _is_wide(file_format) else None
    rest = b""
    for block in unpacked(path, file_format.compression):
        whole = rest + (decoder.decode(block).encode() if decoder else block)
        *lines, rest = whole.split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _is_wide(file_format: Format) -> bool:
    return file_format.encoding.startswith(("utf-16", "utf-32"))
