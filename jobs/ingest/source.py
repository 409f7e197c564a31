"""Land a night from a source that is a folder of files in some layout.

A layout has one mapping per feed (`jobs.ingest.mapping`). Shipped layouts are recognised by their files, others are given by
NIGHTREEL_MAPPING. Files of one night are copied unchanged; from files of several nights only the night's rows are written. The
mapping is written next to the files.
"""

import datetime as dt
import gzip
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from infra import durable
from infra.storage import Location
from jobs.ingest import ad_campaigns, landed_files, landing
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, FEEDS, NIGHTLY, VIDEOS
from jobs.ingest.formats import Record, names, records
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.mapping import SHIPPED, Source, default, dump, layout
from jobs.ingest.mapping import Mapping as FeedMapping
from jobs.platform.errors import MissingInput
from jobs.platform.job_context import JobContext
from jobs.platform.whole_number import whole_number

_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def land(context: JobContext) -> None:
    """Land the night's files of all feeds of the source, after checking that all source files are readable.

    Raises:
        MissingInput: the folder does not exist, or has no file of a feed or night.
        BadInput: a file is damaged.
        UsageError: the layout is unknown, or its mapping is wrong.
    """
    land_night(
        Path(context.settings.source),
        context.settings.landing,
        context.date,
        context.settings.mapping,
        context.settings.timezone,
    )


def land_night(source: Path, root: Location, date: dt.date, mapping: str, zone: ZoneInfo) -> None:
    """Land one night of a source folder, see `land`.

    Args:
        source: the folder.
        root: the landing.
        date: the night.
        mapping: name or folder of the layout; empty to recognise it by its files.
        zone: the lake's time zone.
    """
    mappings = layout(mapping) if mapping else recognise_layout(source)
    paths_by_feed = {feed: paths for feed in mappings if (paths := _files(source, mappings[feed], date))}
    for feed, paths in paths_by_feed.items():
        for path in paths:
            if mappings[feed].night is None:
                for _ in records(path, mappings[feed].format):
                    pass
    for feed, paths in paths_by_feed.items():
        target = landing.folder(root, feed, mappings[feed].day or date)
        landing.write_folder(target, lambda aside: _write(aside, paths, mappings[feed], date, zone))  # noqa: B023
    if CAMPAIGNS not in mappings:
        videos = landing.folder(root, VIDEOS, date)
        content = ad_campaigns.campaigns_csv(landing.content(videos), mappings[VIDEOS])
        landing.write_folder(
            landing.folder(root, CAMPAIGNS, date), lambda aside: write_gzip(aside / "campaigns.csv.gz", [content])
        )


def write_mappings(context: JobContext) -> None:
    """Write the mappings of NIGHTREEL_MAPPING next to the night's files, which log shippers have written.

    Raises:
        UsageError: see `layout`.
    """
    for feed, mapping in layout(context.settings.mapping).items() if context.settings.mapping else ():
        folder = landing.folder(context.settings.landing, feed, mapping.day or context.date)
        path, text = landing.content(folder) / landed_files.MAPPING, dump(mapping).encode()
        if folder.is_dir() and not (path.exists() and path.read_bytes() == text):
            durable.write(path, text)


def recognise_layout(source: Path) -> Mapping[str, FeedMapping]:
    """Return the shipped layout of a folder.

    Raises:
        MissingInput: the folder does not exist, or is in no shipped layout.
    """
    shipped = sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())
    for name in shipped if source.is_dir() else ():
        mappings = layout(name)
        if any(source.glob(mappings[BEHAVIOR_LOGS].files.format(date="*"))):
            return mappings
    raise MissingInput(
        f"{source} is not a folder in a known layout ({', '.join(shipped)})",
        hint="check SOURCE, or map its files with MAPPING=…: see jobs/ingest/mappings/README.md",
    )


def nights(source: Path, mappings: Mapping[str, FeedMapping], zone: ZoneInfo) -> set[dt.date]:
    """Return the nights that a source has logs of, if its files or their names tell."""
    mapping = mappings[BEHAVIOR_LOGS]
    paths = sorted(source.glob(mapping.files.format(date="*")))
    days: set[dt.date] = set()
    if mapping.night is not None:
        for path in paths:
            for _ in _records_of_night(records(path, mapping.format), mapping.night, dt.date.min, zone, days):
                pass
    elif "{date}" in mapping.files:
        for text in _dates(paths, mapping):
            with suppress(ValueError):
                days.add(dt.date.fromisoformat(text))
    return days


def _files(source: Path, mapping: FeedMapping, date: dt.date) -> list[Path]:
    paths = sorted(path for path in source.glob(mapping.files.format(date=date)) if path.is_file())
    if not paths and mapping.feed in NIGHTLY:
        others = sorted(source.glob(mapping.files.format(date="*"))) if "{date}" in mapping.files else []
        hint = f"available nights: {', '.join(_dates(others, mapping))}" if others else "add the missing file to SOURCE"
        raise MissingInput(
            f"{source} has no {mapping.feed} of {date}: no file {mapping.files.format(date=date)}", hint=hint
        )
    return paths


def _dates(paths: Sequence[Path], mapping: FeedMapping) -> list[str]:
    before, _, after = Path(mapping.files).name.partition("{date}")
    return [path.name.removeprefix(before).removesuffix(after) for path in paths]


def _write(aside: Path, paths: Sequence[Path], mapping: FeedMapping, date: dt.date, zone: ZoneInfo) -> None:
    landed_mapping = mapping
    if mapping.night is None:
        for path in paths:
            name = path.name if sum(other.name == path.name for other in paths) == 1 else "-".join(path.parts[-2:])
            shutil.copyfile(path, aside / name)
    elif mapping.format.kind == "parquet":
        _write_night_of_parquet(aside, paths, mapping, date, zone)
    else:
        seen: set[dt.date] = set()
        written = [_write_night(aside, path, mapping, date, zone, seen) for path in paths]
        if not any(written):
            raise _no_such_night(mapping, date, seen)
        landed_mapping = mapping.model_copy(
            update={"format": mapping.format.model_copy(update={"compression": "gzip", "encoding": "utf-8"})}
        )
    if dump(landed_mapping) != dump(default(FEEDS[mapping.feed])):
        (aside / landed_files.MAPPING).write_text(dump(landed_mapping), encoding="utf-8")


def _no_such_night(mapping: FeedMapping, date: dt.date, seen: set[dt.date]) -> MissingInput:
    nights = ", ".join(map(str, sorted(seen))) or "none"
    return MissingInput(f"no {mapping.feed} of {date}", hint=f"available nights: {nights}")


def _write_night(
    aside: Path, path: Path, mapping: FeedMapping, date: dt.date, zone: ZoneInfo, seen: set[dt.date]
) -> bool:
    """Write the night's rows of a text file. Return True if it has any."""
    rows = (record.raw for record in _records_of_night(records(path, mapping.format), mapping.night, date, zone, seen))
    first = next(rows, None)
    if first is None:
        return False
    with gzip.GzipFile(
        aside / f"{path.name.split('.')[0]}.{mapping.format.kind}.gz", "wb", compresslevel=3, mtime=0
    ) as file:
        if mapping.format.kind == "csv" and not mapping.format.names:
            file.write(_header_text(path, mapping).encode() + b"\n")
        for text in (first, *rows):
            file.write(text.encode() + b"\n")
    return True


def _header_text(path: Path, mapping: FeedMapping) -> str:
    header = names(path, mapping.format) or ()
    return mapping.format.delimiter.join(
        json.dumps(name, ensure_ascii=False) if mapping.format.delimiter in name else name for name in header
    )


def _records_of_night(
    all_records: Iterator[Record], night: Source | None, date: dt.date, zone: ZoneInfo, seen: set[dt.date]
) -> Iterator[Record]:
    """Yield the records of a night, and add all nights to `seen`. A record without a readable night follows the one before it."""
    assert night is not None
    current: dt.date | None = None
    waiting: list[Record] = []
    for record in all_records:
        text = record.fields.get(night.column or "")
        day = _day(text, night, zone) if text is not None else None
        if day is None and current is None:
            waiting.append(record)
            continue
        if day is not None:
            if current is None and day == date:
                yield from waiting
            current = day
            seen.add(day)
        if current == date:
            yield record


def _day(text: str, night: Source, zone: ZoneInfo) -> dt.date | None:
    """Parse the night of a record; None if the text is not a date, or not a time in the given unit."""
    try:
        if night.unit == "iso":
            moment = dt.datetime.fromisoformat(text.strip())
            default_zone = ZoneInfo(night.zone) if night.zone else zone
            return (moment if moment.tzinfo else moment.replace(tzinfo=default_zone)).astimezone(zone).date()
        if night.unit:
            number = whole_number(text)
            return None if number is None else dt.datetime.fromtimestamp(number / _PER_SECOND[night.unit], zone).date()
        number = whole_number(text.replace("-", ""))
        return None if number is None else dt.datetime.strptime(str(number), "%Y%m%d").date()
    except (ValueError, OverflowError, OSError):
        return None


def _write_night_of_parquet(
    aside: Path, paths: Sequence[Path], mapping: FeedMapping, date: dt.date, zone: ZoneInfo
) -> None:
    seen: set[dt.date] = set()
    has_row = False
    for path in paths:
        found = _records_of_night(records(path, mapping.format), mapping.night, date, zone, seen)
        row_numbers = [record.line - 1 for record in found]
        if row_numbers:
            pq.write_table(pq.read_table(path).take(row_numbers), aside / path.name)
            has_row = True
    if not has_row:
        raise _no_such_night(mapping, date, seen)
