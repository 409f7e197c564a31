"""Check how a night would read some files, without writing anything: `make check-landing DIR=… [MAPPING=…] [DATE=…]`.

DIR is a landing, or a folder in a layout that is known or mapped by MAPPING. For each feed the command prints how many rows would
be ingested, which would be quarantined and why, and which files cannot be read at all.
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
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY, RECONCILED, Feed
from jobs.ingest.formats import ERASED
from jobs.ingest.landed import read
from jobs.ingest.mapping import dump, layout
from jobs.ingest.parse import parse, valid_rows
from jobs.ingest.reconciliation import RowCounts
from jobs.ingest.snapshot import mark_duplicates
from jobs.platform.command import command, day_or_none
from jobs.platform.errors import BadInput, MissingInput, NightreelError
from jobs.platform.settings import Settings, settings
from jobs.platform.spark import session
from jobs.platform.spark_errors import convert_spark_errors
from schemas.contract import load_contract

_REASONS = 10
_WIDTH = 160


def land_copy(given: Path, mapping: str, date: dt.date | None, root: Path, settings: Settings) -> dt.date:
    """Land a night of a folder in a temporary landing.

    Args:
        given: a landing, or a source folder.
        mapping: name or folder of its layout; if empty, the layout is recognised, or the files are the feeds' own CSV.
        date: the night; None for the last one.
        root: the temporary landing.
        settings: for the lake's time zone.

    Returns:
        The night.

    Raises:
        MissingInput: the folder does not contain the night.
        NightreelError: the files cannot be landed.
    """
    if not any(given.glob("*/dt=*")):
        source_mappings = layout(mapping) if mapping else source.recognise_layout(given)
        night = date or max(source.nights(given, source_mappings, settings.timezone), default=None)
        if night is None:
            raise MissingInput(f"a night in {given}", hint="its files do not tell their night: give DATE=YYYY-MM-DD")
        source.land_night(given, root, night, mapping, settings.timezone)
        return night
    nights = {night for feed in NIGHTLY for night in landing.nights(given, feed)}
    if not nights or (date and date not in nights):
        raise MissingInput(f"a complete night in {given}", hint="a folder is complete when it contains _SUCCESS")
    night = date or max(nights)
    mappings = layout(mapping) if mapping else {}
    for feed in RECONCILED:
        if (folder := landing.folder(given, feed, night)).is_dir():
            copy = shutil.copytree(landing.content(folder), landing.folder(root, feed, night))
            if feed in mappings:
                (copy / landed_files.MAPPING).write_text(dump(mappings[feed]), encoding="utf-8")
    return night


def check(spark: SparkSession, root: Path, date: dt.date, settings: Settings) -> Iterator[tuple[str, bool]]:
    """Check each feed of a landed night. Yield lines to print, each with True if the night would be refused for this reason."""
    for feed in RECONCILED.values():
        try:
            yield from _check_feed(spark, root, feed, date, settings)
        except NightreelError as error:
            yield f"{feed.name}: refused: {error}", True


def _check_feed(
    spark: SparkSession, root: Path, feed: Feed, date: dt.date, settings: Settings
) -> Iterator[tuple[str, bool]]:
    files = landed_files.files(root, feed.name, date)
    if not files:
        return
    mapping = landed_files.mapping(root, feed.name, date)
    landed = read(spark, files, mapping, secrets.token_bytes(32), settings.timezone.key)
    landed = landed.withColumn("arrival_date", F.lit(date)).cache()
    try:
        with convert_spark_errors(feed.name):
            yield from _report(landed, feed, settings, len(files))
    finally:
        landed.unpersist()


def _report(landed: DataFrame, feed: Feed, settings: Settings, files: int) -> Iterator[tuple[str, bool]]:
    parsed = (
        mark_duplicates(parse(landed, feed, settings), feed)
        if feed.name != BEHAVIOR_LOGS
        else _parse_log(landed, feed, settings)
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
    null_counts = counted.asDict()
    erased = landed.where(F.col("problem") == ERASED).count()
    rows_out, duplicates, quarantined = (null_counts.pop(name) for name in ("rows_out", "duplicates", "quarantined"))
    counts = RowCounts(feed.name, landed.count(), rows_out, duplicates, quarantined, erased)
    yield (
        f"{feed.name}: {counts.lines_in:,} rows in {files} files: {counts.rows_out:,} ingested, "
        f"{counts.duplicates:,} duplicates, {counts.quarantined:,} quarantined",
        False,
    )
    yield from ((line, False) for line in _reasons(parsed))
    unread = landed.select(F.explode(F.map_keys("others")).alias("name")).distinct().orderBy("name").collect()
    if unread:
        yield f"    unknown columns: {', '.join(row.name for row in unread)}", False
    if always_null := [name for name, count in null_counts.items() if 0 < count == counts.rows_out]:
        yield f"    columns without a value in any row: {', '.join(always_null)}", False
    if nulls := [f"{name} {count:,}" for name, count in null_counts.items() if count and name not in always_null]:
        yield f"    rows without a value: {', '.join(nulls)}", False
    if anomaly := counts.anomaly([]):
        yield f"    the night would be refused: {anomaly}", True


def _parse_log(landed: DataFrame, feed: Feed, settings: Settings) -> DataFrame:
    parsed = parse(landed, feed, settings)
    good = valid_rows(parsed).withColumn("is_duplicate", F.row_number().over(best_first()) > 1)
    return good.unionByName(parsed.where(F.size("reasons") > 0).withColumn("is_duplicate", F.lit(False)))


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
    """Print how the files would be ingested. The exit code is 65 if the night would be refused."""
    with command(argv, __doc__, _arguments) as args:
        with TemporaryDirectory() as folder:
            root = Path(folder)
            night = land_copy(args.dir, args.mapping, args.date, root, settings())
            print(f"night {night} of {args.dir}", flush=True)
            refused = False
            for line, is_refusal in check(session(), root, night, settings()):
                print(line.replace(folder, str(args.dir)), flush=True)
                refused |= is_refusal
        if refused:
            raise BadInput(f"the night of {night} would be refused, for the reasons above")
        print("the night would be ingested")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, required=True, help="a landing, or a folder of files")
    parser.add_argument("--mapping", default="", help="name or folder of the mappings to read the files with")
    parser.add_argument("--date", type=day_or_none, help="the night (default: the last one)")


if __name__ == "__main__":
    main()
