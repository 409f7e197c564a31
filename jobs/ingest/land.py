"""Write a night's files to the landing, and check that the night is complete and readable.

The files come from NIGHTREEL_SOURCE: the built-in simulator, a folder in a layout that is known or mapped by NIGHTREEL_MAPPING,
or `landing` if log shippers write them. Lines of users on the erasure list are removed. Nothing is written to the lake. The job
fails if the previous night never landed although an earlier one did, because the features would silently miss a day. The first
night of a landing has no previous night. Decisions (`make accept`) are applied too: a night decided to be empty gets a log
without rows, and a missing snapshot is replaced by a copy of the previous one.
"""

import argparse
import datetime as dt
import logging
from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc

from infra.storage import Location
from jobs.ingest import erased_lines, landing, manifest, source
from jobs.ingest.feeds import BEHAVIOR_LOGS, NIGHTLY, RECONCILED
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.manifest import LandedFile
from jobs.ingest.simulator.catalogue import LISTED_DAYS
from jobs.ingest.simulator.generated import MadeVideo
from jobs.ingest.simulator.night import SIMULATED, Scale, land
from jobs.ingest.simulator.slates import slates
from jobs.platform import decisions, erasure, pseudonym
from jobs.platform.errors import MissingInput, UsageError
from jobs.platform.job import run_job
from jobs.platform.job_context import JobContext
from schemas.days import day_before

_RECOMMENDATIONS = "gold.recommendations"
_GENERATED = "gold.generated_videos"
_COPY_OF = "_copy_of"
"""Marker file: the folder is a copy of an earlier snapshot, because its own never arrived."""
_log = logging.getLogger(__name__)


def check_no_gap(root: Location, date: dt.date, zone: dt.tzinfo) -> None:
    """Check that the log of the previous day has landed, unless `date` is the first night of the landing.

    Raises:
        MissingInput: an earlier night has landed, but not the previous one.
    """
    nights = landing.nights(root, BEHAVIOR_LOGS)
    before = day_before(date, zone)
    earlier = [night for night in nights if night < date]
    if earlier and before not in earlier:
        first_missing = earlier[-1] + dt.timedelta(days=1)
        hint = f"land it first: make backfill FROM={first_missing} TO={date} SOURCE=…"
        raise MissingInput(f"landing {landing.folder(root, BEHAVIOR_LOGS, before)}", before, hint)


def write_decided_feeds(context: JobContext) -> None:
    """Write the feeds that never arrived as decided by users: an empty log, or a copy of the previous snapshot."""
    root = context.settings.landing
    for feed in NIGHTLY:
        target = landing.folder(root, feed, context.date)
        if (landing.content(target) / _COPY_OF).exists():  # it is copied again, unless the decision was withdrawn
            landing.remove_folder(target)
        if landing.is_complete(root, feed, context.date):
            continue
        if feed == BEHAVIOR_LOGS and decisions.find_decision(context, decisions.EMPTY):
            header = ",".join(NIGHTLY[feed].required).encode() + b"\n"
            landing.write_folder(target, lambda aside: write_gzip(aside / "empty.csv.gz", [header]))  # noqa: B023
        elif feed != BEHAVIOR_LOGS and decisions.find_decision(context, decisions.SNAPSHOT, feed):
            earlier = [day for day in landing.nights(root, feed) if day < context.date]
            if not earlier:
                raise MissingInput(
                    f"a landing of {feed} before {context.date}, to replace the night's missing snapshot"
                )
            before = landing.folder(root, feed, earlier[-1])
            landing.write_folder(target, lambda aside: _copy(before, aside))  # noqa: B023
            _log.warning("%s is missing; using a copy of the snapshot of %s", target, earlier[-1])


def _copy(folder: Location, aside: Path) -> None:
    for path in landing.source_files(folder):
        landing.copy(path, aside)
    (aside / _COPY_OF).write_text(f"{folder.name}\n")


def redact(context: JobContext) -> None:
    """Remove erased users from the night, and from feeds that land once, which a source may write again with every night."""
    if not erasure.read(context.settings):
        return
    root = context.settings.landing
    days_of = {
        feed: [context.date] if feed in RECONCILED else landing.nights(root, feed) for feed in erased_lines.PERSONAL
    }
    for feed, day in ((feed, day) for feed, days in days_of.items() for day in days):
        if lines := erased_lines.redact(context.spark, context.settings, feed, day):
            _log.info("%s: removed %d lines of erased users", landing.folder(root, feed, day), lines)


def _simulate(context: JobContext) -> None:
    folder = landing.folder(context.settings.landing, BEHAVIOR_LOGS, context.date)
    if folder.exists() and not any(landing.content(folder).glob(SIMULATED)):
        raise UsageError(
            f"{folder} was not made by the simulator, which would replace it; use SOURCE=landing to read these files, or set "
            "SOURCE to the folder that they came from"
        )
    scale = Scale(context.args.events or context.settings.simulated_events)
    before = day_before(context.date, context.settings.timezone)
    shown = None
    if context.lake.has_day(_RECOMMENDATIONS, before):
        shown = slates(context.lake.arrow(_RECOMMENDATIONS), before, scale.users, pseudonym.key(context.settings))
    land(
        context.settings.landing,
        context.date,
        context.settings.timezone,
        scale,
        lambda users: None if shown is None else shown[users],
        _made_videos(context),
    )


def _made_videos(context: JobContext) -> list[MadeVideo]:
    """Return the generated videos that the app can publish: those that nights before requested, not users."""
    if not context.lake.exists(_GENERATED):
        return []
    night = pc.field("date")
    earlier = (night < context.date) & (night > context.date - dt.timedelta(days=LISTED_DAYS))
    generated = context.lake.arrow(_GENERATED).to_table(filter=earlier).to_pylist()
    own = [row for row in generated if row.get("user_id") is None]  # tables of earlier versions lack columns
    first_last = sorted(own, key=lambda row: (row["date"], row["request_id"]), reverse=True)
    by_name = {
        row["video_name"]: MadeVideo(
            name=row["video_name"],
            night=row["date"],
            generator=row["generator"],
            prompt=row["prompt"],
            tag=row.get("tag") or "",
            width=row["width"],
            height=row["height"],
            duration_ms=row["frames"] * 1000 // row["fps"],
            is_made=row.get("outcome") in (None, "made"),
        )
        for row in first_last
    }
    return list(by_name.values())


def main(argv: Sequence[str] | None = None) -> None:
    """Land the night from its source, then check it."""
    with run_job(argv, __doc__, _arguments) as context:
        root = context.settings.landing
        check_no_gap(root, context.date, context.settings.timezone)
        if context.settings.source == "simulator":
            _simulate(context)
        elif context.settings.source == "landing":
            source.write_mappings(context)
        else:
            source.land(context)
        write_decided_feeds(context)
        is_empty = decisions.find_decision(context, decisions.EMPTY) is not None
        for feed, files in _checked(context, is_empty).items():
            rows = sum(file.rows for file in files.values())
            _log.info("%s: %d rows in %d files", landing.folder(root, feed, context.date), rows, len(files))
        redact(context)


def _checked(context: JobContext, is_empty: bool) -> dict[str, dict[str, LandedFile]]:
    try:
        return manifest.check(context.settings.landing, context.date, may_be_empty=is_empty)
    except MissingInput as error:
        root = context.settings.landing
        missing = next((feed for feed in NIGHTLY if not landing.is_complete(root, feed, context.date)), None)
        if missing is None:
            raise
        kind = decisions.EMPTY if missing == BEHAVIOR_LOGS else decisions.SNAPSHOT
        case = "the night has no log" if missing == BEHAVIOR_LOGS else "the previous snapshot should be used instead"
        raise MissingInput(f"{error.table}; if {case}", hint=decisions.hint(context.date, kind, missing)) from error


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--events", type=int, help="views per night of the simulator (default: NIGHTREEL_SIMULATED_EVENTS)"
    )


if __name__ == "__main__":
    main()
