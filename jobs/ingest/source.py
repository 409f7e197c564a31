"""A source that is a folder of files in some layout: lays what of it belongs to a night as landings.

A layout is a mapping a feed (`jobs.ingest.mapping`): those that are shipped are recognised by their files, others are named by
NIGHTREEL_MAPPING. Files of one night are copied as they are, of a file of many nights the night's rows are written; their mapping
lies beside them.
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
    """Lay the night's files of the source, all of its feeds, once all files that they come from have proved sound.

    Raises:
        MissingInput: there is no such folder, or no file of a feed or night.
        BadInput: a file is damaged.
        UsageError: the layout is not known, or its mapping is wrong.
    """
    land_night(
        Path(context.settings.source),
        context.settings.landing,
        context.date,
        context.settings.mapping,
        context.settings.timezone,
    )


def land_night(source: Path, root: Path, date: dt.date, mapping: str, zone: ZoneInfo) -> None:
    """As `land`.

    Args:
        source: the folder.
        root: the landing.
        date: the night.
        mapping: name or folder of the layout; recognised by its files where empty.
        zone: the lake's time zone.
    """
    how = layout(mapping) if mapping else recognised(source)
    found = {feed: paths for feed in how if (paths := _files(source, how[feed], date))}
    for feed, paths in found.items():
        for path in paths:
            if how[feed].night is None:
                for _ in records(path, how[feed].format):
                    pass
    for feed, paths in found.items():
        target = landing.folder(root, feed, how[feed].day or date)
        landing.write_folder(target, lambda aside: _write(aside, paths, how[feed], date, zone))  # noqa: B023
    if CAMPAIGNS not in how:
        videos = landing.folder(root, VIDEOS, date)
        content = ad_campaigns.text(videos, how[VIDEOS])
        landing.write_folder(
            landing.folder(root, CAMPAIGNS, date), lambda aside: write_gzip(aside / "campaigns.csv.gz", [content])
        )


def put_mappings(context: JobContext) -> None:
    """Lay the mappings of NIGHTREEL_MAPPING beside the night's files that log shippers have laid.

    Raises:
        UsageError: see `layout`.
    """
    for feed, mapping in layout(context.settings.mapping).items() if context.settings.mapping else ():
        where = landing.folder(context.settings.landing, feed, mapping.day or context.date)
        beside, text = where / landed_files.MAPPING, dump(mapping).encode()
        if where.is_dir() and not (beside.exists() and beside.read_bytes() == text):
            durable.write(beside, text)


def recognised(source: Path) -> Mapping[str, FeedMapping]:
    """The shipped layout that a folder is in.

    Raises:
        MissingInput: there is no such folder, or it is in none of them.
    """
    shipped = sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())
    for name in shipped if source.is_dir() else ():
        found = layout(name)
        if any(source.glob(found[BEHAVIOR_LOGS].files.format(date="*"))):
            return found
    raise MissingInput(
        f"{source} is no folder in a known layout ({', '.join(shipped)})",
        hint="check SOURCE, or map its files with MAPPING=…: see jobs/ingest/mappings/README.md",
    )


def nights(source: Path, how: Mapping[str, FeedMapping], zone: ZoneInfo) -> set[dt.date]:
    """The nights that a source has logs of, as far as its files say."""
    mapping = how[BEHAVIOR_LOGS]
    paths = sorted(source.glob(mapping.files.format(date="*")))
    found: set[dt.date] = set()
    if mapping.night is not None:
        for path in paths:
            for _ in _of_night(records(path, mapping.format), mapping.night, dt.date.min, zone, found):
                pass
    elif "{date}" in mapping.files:
        for text in _dates(paths, mapping):
            with suppress(ValueError):
                found.add(dt.date.fromisoformat(text))
    return found


def _files(source: Path, mapping: FeedMapping, date: dt.date) -> list[Path]:
    paths = sorted(path for path in source.glob(mapping.files.format(date=date)) if path.is_file())
    if not paths and mapping.feed in NIGHTLY:
        others = sorted(source.glob(mapping.files.format(date="*"))) if "{date}" in mapping.files else []
        there = f"the nights there are: {', '.join(_dates(others, mapping))}" if others else "complete SOURCE"
        raise MissingInput(
            f"{source} has no {mapping.feed} of {date}: no file {mapping.files.format(date=date)}", hint=there
        )
    return paths


def _dates(paths: Sequence[Path], mapping: FeedMapping) -> list[str]:
    before, _, after = Path(mapping.files).name.partition("{date}")
    return [path.name.removeprefix(before).removesuffix(after) for path in paths]


def _write(aside: Path, paths: Sequence[Path], mapping: FeedMapping, date: dt.date, zone: ZoneInfo) -> None:
    kept = mapping
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
        kept = mapping.model_copy(
            update={"format": mapping.format.model_copy(update={"compression": "gzip", "encoding": "utf-8"})}
        )
    if dump(kept) != dump(default(FEEDS[mapping.feed])):
        (aside / landed_files.MAPPING).write_text(dump(kept), encoding="utf-8")


def _no_such_night(mapping: FeedMapping, date: dt.date, seen: set[dt.date]) -> MissingInput:
    nights = ", ".join(map(str, sorted(seen))) or "none"
    return MissingInput(f"no {mapping.feed} of {date}", hint=f"the nights there are: {nights}")


def _write_night(
    aside: Path, path: Path, mapping: FeedMapping, date: dt.date, zone: ZoneInfo, seen: set[dt.date]
) -> bool:
    """Write the night's rows of a text file, if it has any; whether it had."""
    chosen = (record.raw for record in _of_night(records(path, mapping.format), mapping.night, date, zone, seen))
    first = next(chosen, None)
    if first is None:
        return False
    with gzip.GzipFile(
        aside / f"{path.name.split('.')[0]}.{mapping.format.kind}.gz", "wb", compresslevel=3, mtime=0
    ) as file:
        if mapping.format.kind == "csv" and not mapping.format.names:
            file.write(_header_text(path, mapping).encode() + b"\n")
        for text in (first, *chosen):
            file.write(text.encode() + b"\n")
    return True


def _header_text(path: Path, mapping: FeedMapping) -> str:
    header = names(path, mapping.format) or ()
    return mapping.format.delimiter.join(
        json.dumps(name, ensure_ascii=False) if mapping.format.delimiter in name else name for name in header
    )


def _of_night(
    found: Iterator[Record], which: Source | None, date: dt.date, zone: ZoneInfo, seen: set[dt.date]
) -> Iterator[Record]:
    """The records of a night. One whose night cannot be read belongs to the night of the one before it."""
    assert which is not None
    current: dt.date | None = None
    waiting: list[Record] = []
    for record in found:
        text = record.fields.get(which.column or "")
        day = _day(text, which, zone) if text is not None else None
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


def _day(text: str, which: Source, zone: ZoneInfo) -> dt.date | None:
    """The night that a text names; None where it is no date, or no time in the unit."""
    try:
        if which.unit == "iso":
            moment = dt.datetime.fromisoformat(text.strip())
            own = ZoneInfo(which.zone) if which.zone else zone
            return (moment if moment.tzinfo else moment.replace(tzinfo=own)).astimezone(zone).date()
        if which.unit:
            number = whole_number(text)
            return None if number is None else dt.datetime.fromtimestamp(number / _PER_SECOND[which.unit], zone).date()
        number = whole_number(text.replace("-", ""))
        return None if number is None else dt.datetime.strptime(str(number), "%Y%m%d").date()
    except (ValueError, OverflowError, OSError):
        return None


def _write_night_of_parquet(
    aside: Path, paths: Sequence[Path], mapping: FeedMapping, date: dt.date, zone: ZoneInfo
) -> None:
    seen: set[dt.date] = set()
    any_row = False
    for path in paths:
        lines = [r.line - 1 for r in _of_night(records(path, mapping.format), mapping.night, date, zone, seen)]
        if lines:
            pq.write_table(pq.read_table(path).take(lines), aside / path.name)
            any_row = True
    if not any_row:
        raise _no_such_night(mapping, date, seen)
