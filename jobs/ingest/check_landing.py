"""Says what a night would make of some files, before any night: `make check-landing DIR=… [MAPPING=…] [DATE=…]`.

DIR is what a night is given: a landing, or a folder in a layout that is known or that MAPPING maps. For each feed it is said how
many rows would be taken in, which would be kept aside and why, and what is wrong with a file as a whole. Nothing is written.
"""

import argparse
import datetime as dt
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.ingest import landed_files, landing, source
from jobs.ingest.behavior_events import best_first
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY, Feed
from jobs.ingest.formats import ERASED
from jobs.ingest.landed import read
from jobs.ingest.mapping import dump, layout
from jobs.ingest.parse import parse, valid
from jobs.ingest.reconciliation import Books
from jobs.ingest.snapshot import sorted_out
from jobs.platform.command import command, day_or_none
from jobs.platform.errors import BadInput, MissingInput, NightreelError
from jobs.platform.settings import Settings, settings
from jobs.platform.spark import session
from jobs.platform.spark_errors import convert_spark_errors
from schemas.contract import load_contract

_REASONS = 10
_WIDTH = 160


def lay_aside(given: Path, mapping: str, date: dt.date | None, root: Path, settings: Settings) -> dt.date:
    """Lay a night of a folder in a landing of its own.

    Args:
        given: a landing, or a source.
        mapping: name or folder of its layout; recognised, or the feed's own CSV, where empty.
        date: the night; the last one where it is None.
        root: the landing to lay it in.
        settings: the lake's time zone.

    Returns:
        The night.

    Raises:
        MissingInput: there is no such night.
        NightreelError: the files cannot be laid.
    """
    if not any(given.glob("*/dt=*")):
        how = layout(mapping) if mapping else source.recognised(given)
        night = date or max(source.nights(given, how, settings.timezone), default=None)
        if night is None:
            raise MissingInput(
                f"a night in {given}", hint="its files do not say which night they are of: give DATE=YYYY-MM-DD"
            )
        source.lay(given, root, night, mapping, settings.timezone)
        return night
    there = {found for feed in NIGHTLY for found in landing.nights(given, feed)}
    if not there or (date and date not in there):
        raise MissingInput(f"a complete night in {given}", hint="each folder of it ends with _SUCCESS")
    night = date or max(there)
    mappings = layout(mapping) if mapping else {}
    for feed in NIGHTLY:
        if (folder := landing.folder(given, feed, night)).is_dir():
            copy = shutil.copytree(folder, landing.folder(root, feed, night))
            if feed in mappings:
                (copy / landed_files.MAPPING).write_text(dump(mappings[feed]), encoding="utf-8")
    return night


def check(spark: SparkSession, root: Path, date: dt.date, settings: Settings) -> Iterator[tuple[str, bool]]:
    """What would become of each feed of a landed night: lines to print, each with whether it says that the night is refused."""
    for feed in NIGHTLY.values():
        try:
            yield from _check_feed(spark, root, feed, date, settings)
        except NightreelError as error:
            yield f"{feed.name}: refused: {error}", True


def _check_feed(
    spark: SparkSession, root: Path, feed: Feed, date: dt.date, settings: Settings
) -> Iterator[tuple[str, bool]]:
    files = landed_files.files(root, feed.name, date)
    mapping = landed_files.mapping(root, feed.name, date)
    landed = read(spark, files, mapping, secrets.token_bytes(32), settings.timezone.key)
    landed = landed.withColumn("arrival_date", F.lit(date)).cache()
    try:
        with convert_spark_errors(feed.name):
            yield from _counted(landed, feed, settings, len(files))
    finally:
        landed.unpersist()


def _counted(landed: DataFrame, feed: Feed, settings: Settings, files: int) -> Iterator[tuple[str, bool]]:
    parsed = (
        sorted_out(parse(landed, feed, settings), feed)
        if feed.name != BEHAVIOR_LOGS
        else _of_log(landed, feed, settings)
    )
    is_valid = F.size("reasons") == 0
    counted = parsed.agg(
        F.count_if(is_valid & ~F.col("is_duplicate")).alias("rows_out"),
        F.count_if("is_duplicate").alias("duplicates"),
        F.count_if(~is_valid).alias("quarantined"),
        *(
            F.count_if(is_valid & F.col(c.name).isNull()).alias(c.name)
            for c in load_contract(feed.table).columns
            if not c.required
        ),
    ).first()
    assert counted is not None  # an aggregate without groups has one row
    found = counted.asDict()
    erased = landed.where(F.col("problem") == ERASED).count()
    rows_out, duplicates, quarantined = (found.pop(name) for name in ("rows_out", "duplicates", "quarantined"))
    books = Books(feed.name, landed.count(), rows_out, duplicates, quarantined, erased)
    yield (
        f"{feed.name}: {books.lines_in:,} rows in {files} files: {books.rows_out:,} taken in, {books.duplicates:,} duplicates, "
        f"{books.quarantined:,} quarantined",
        False,
    )
    yield from ((line, False) for line in _reasons(parsed))
    unread = landed.select(F.explode(F.map_keys("others")).alias("name")).distinct().orderBy("name").collect()
    if unread:
        yield f"    columns that nobody reads: {', '.join(row.name for row in unread)}", False
    if nowhere := [name for name, count in found.items() if 0 < count == books.rows_out]:
        yield f"    columns without a value in any row: {', '.join(nowhere)}", False
    if empty := [f"{name} {count:,}" for name, count in found.items() if count and name not in nowhere]:
        yield f"    rows without a value: {', '.join(empty)}", False
    if oddity := books.oddity([]):
        yield f"    the night would be refused: {oddity}", True


def _of_log(landed: DataFrame, feed: Feed, settings: Settings) -> DataFrame:
    parsed = parse(landed, feed, settings)
    again = valid(parsed).withColumn("is_duplicate", F.row_number().over(best_first()) > 1)
    return again.unionByName(parsed.where(F.size("reasons") > 0).withColumn("is_duplicate", F.lit(False)))


def _reasons(parsed: DataFrame) -> Iterator[str]:
    reasons = parsed.select(F.explode("reasons").alias("reason"), "log_file", "log_line", "raw")
    grouped = reasons.groupBy(F.substring_index("reason", ":", 1).alias("name")).agg(
        F.count("*").alias("rows"), F.min(F.struct("log_file", "log_line", "reason", "raw")).alias("example")
    )
    for row in grouped.orderBy(F.desc("rows"), "name").limit(_REASONS).collect():
        example = row.example
        yield f"  {row.rows:>9,}  {example.reason}"[:_WIDTH]
        yield f"             e.g. line {example.log_line} of {example.log_file}: {example.raw!r}"[:_WIDTH]


def main(argv: Sequence[str] | None = None) -> None:
    """Print what would become of the files; exit code 65 if the night would be refused."""
    with command(argv, __doc__, _arguments) as args:
        with TemporaryDirectory() as folder:
            root = Path(folder)
            night = lay_aside(args.dir, args.mapping, args.date, root, settings())
            print(f"the night of {night} of {args.dir}", flush=True)
            refused = False
            for line, is_refusal in check(session(), root, night, settings()):
                print(line.replace(folder, str(args.dir)), flush=True)
                refused |= is_refusal
        if refused:
            raise BadInput(f"the night of {night} would be refused, for the reasons above")
        print("the night would be taken in")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, required=True, help="a landing, or a folder of files")
    parser.add_argument("--mapping", default="", help="name or folder of the mappings by which they are read")
    parser.add_argument("--date", type=day_or_none, help="the night; the last one unless given")


if __name__ == "__main__":
    main()
