"""Takes erased users out of the landing: the files of sources have real ids, and every night run again reads them.

Who a row is of is found out as ingest does it, by the same reader, mapping and form of an id. Of a row that cannot be read, any
number in it may be the id: such a row goes if one of them is. Lines of text become the word `erased`, so that the others keep
their numbers and the books can count them; a row of a Parquet file has no number and goes.
"""

import codecs
import datetime as dt
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.ingest import landed_files, landing
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
"""The feeds that have user ids, by the contracts of their tables."""


def find(spark: "SparkSession", settings: Settings, feed: str, date: dt.date) -> dict[str, set[int]]:
    """The lines of each file of a complete night that are of users on the erasure list, or may be.

    Raises:
        UsageError: the list was made with another key than the lake's.
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
    rows = read(spark, files, landed_files.mapping(settings.landing, feed, date), secret, settings.timezone.key)
    users = F.explode(F.array_append(F.coalesce("numbers", F.array().cast("array<string>")), F.col("user_id")))
    listed = spark.createDataFrame(pa.table({"owner": sorted(erased)}))
    owners = rows.select("log_file", "log_line", users.alias("user")).withColumn(
        "owner", F.sha2(F.encode("user", "UTF-8"), 256)
    )
    found: dict[str, set[int]] = defaultdict(set)
    with convert_spark_errors(feed):
        for row in owners.join(F.broadcast(listed), "owner", "left_semi").distinct().collect():
            found[row.log_file].add(row.log_line)
    return dict(found)


def redact(spark: "SparkSession", settings: Settings, feed: str, date: dt.date) -> int:
    """Take erased users out of a complete night of a feed; how many rows that were.

    Raises:
        UsageError, BadInput: see `find`.
    """
    found = find(spark, settings, feed, date)
    where = landing.folder(settings.landing, feed, date)
    how = landed_files.mapping(settings.landing, feed, date).format

    def write(aside: Path) -> None:
        for path in sorted(where.iterdir()):
            if path.name in found:
                _write_without(path, aside / path.name, how, found[path.name])
            elif path.is_file() and path.name != landing.MARKER:
                shutil.copyfile(path, aside / path.name)

    if found:
        landing.lay(where, write)
    return sum(map(len, found.values()))


def _write_without(path: Path, target: Path, how: Format, erased: Collection[int]) -> None:
    if how.kind == "parquet":
        rows = pq.read_table(path)
        pq.write_table(rows.filter(pa.array(number not in erased for number in range(1, len(rows) + 1))), target)
        return
    starts = [record.line for record in records(path, how)]
    ends = dict(zip(starts, [*starts[1:], None], strict=True))
    gone = {start: ends[start] for start in erased}
    content = _redacted(_lines(path, how), gone, how)
    if how.compression == "gzip":
        write_gzip(target, content)
    elif how.compression == "zstd":
        with pa.OSFile(str(target), "wb") as packed, pa.CompressedOutputStream(packed, "zstd") as file:
            for line in content:
                file.write(line)
    else:
        with target.open("wb") as file:
            file.writelines(content)


def _redacted(lines: Iterable[bytes], gone: dict[int, int | None], how: Format) -> Iterator[bytes]:
    """The lines of a file; in place of each record that goes, from its first line to the one before the next record, one word."""
    encoder = codecs.getincrementalencoder(how.encoding)() if _is_wide(how) else None
    next_record: int | None = 0
    for number, line in enumerate(lines, 1):
        if number in gone:
            next_record = gone[number]
            line = ERASED.encode() + b"\n"
        elif next_record is None or number < next_record:
            continue
        yield encoder.encode(line.decode()) if encoder else line


def _lines(path: Path, how: Format) -> Iterator[bytes]:
    """The lines of a file with their ends; as UTF-8 where a line feed is more than one byte."""
    decoder = codecs.getincrementaldecoder(how.encoding)() if _is_wide(how) else None
    rest = b""
    for block in unpacked(path, how.compression):
        whole = rest + (decoder.decode(block).encode() if decoder else block)
        *lines, rest = whole.split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest


def _is_wide(how: Format) -> bool:
    return how.encoding.startswith(("utf-16", "utf-32"))
