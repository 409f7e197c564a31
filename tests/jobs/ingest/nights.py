"""Lays small nights of behaviour logs for the ingest tests, and runs the jobs on them."""

import datetime as dt
import gzip
from collections.abc import Sequence
from pathlib import Path

from jobs.ingest import behavior_events, behavior_log, landing, quarantine, reconciliation
from jobs.platform.night import Night
from jobs.platform.settings import settings

HEADER = ",".join(landing.COLUMNS[landing.BEHAVIOR_LOGS])
MAY_1 = dt.date(2022, 5, 1)
MAY_2 = dt.date(2022, 5, 2)
NOON_MAY_1 = 1_651_377_600_000
"""2022-05-01 12:00 in Beijing, milliseconds since 1970."""


def line(
    user_id: object = 1, video_id: object = 2, time_ms: object = NOON_MAY_1, play: object = 5000, click: object = 1
) -> str:
    """One line of the log."""
    return f"{user_id},{video_id},20220501,1200,{time_ms},{click},0,0,0,0,0,1,{play},9000,0,0,0,0,1"


def lay(home: Path, lines: Sequence[str | bytes], date: dt.date = MAY_1, header: str = HEADER) -> Path:
    """Lay a night's log in one file; returns its folder."""
    folder = landing.folder(home / "landing", landing.BEHAVIOR_LOGS, date)

    def write(aside: Path) -> None:
        body = b"\n".join(text if isinstance(text, bytes) else text.encode() for text in [header, *lines]) + b"\n"
        (aside / "log.csv.gz").write_bytes(gzip.compress(body, mtime=0))

    landing.lay(folder, write)
    return folder


def ingest(date: dt.date = MAY_1) -> Night:
    """Run the log's four jobs for one night; returns the night, to look at its tables."""
    for job in (behavior_log, behavior_events, quarantine, reconciliation):
        job.main(["--date", str(date)])
    return Night(date, settings())
