"""Write small nights of behaviour logs for the ingest tests, and run the ingest jobs on them."""

import datetime as dt
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from jobs.ingest import (
    behavior_events,
    behavior_log,
    campaigns,
    landing,
    manifest,
    quarantine,
    reconciliation,
    users,
    video_prompts,
    videos,
)
from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, NIGHTLY, USERS, VIDEO_PROMPTS, VIDEOS
from jobs.ingest.gzip_file import write_gzip
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings

HEADER = ",".join(NIGHTLY[BEHAVIOR_LOGS].required)
MAY_1 = dt.date(2022, 5, 1)
MAY_2 = dt.date(2022, 5, 2)
NOON_MAY_1 = 1_651_377_600_000
"""2022-05-01 12:00 in Beijing, milliseconds since 1970."""


def line(
    user_id: object = 1, video_id: object = 2, time_ms: object = NOON_MAY_1, play: object = 5000, click: object = 1
) -> str:
    """One line of the log."""
    return f"{user_id},{video_id},20220501,1200,{time_ms},{click},0,0,0,0,0,1,{play},9000,0,0,0,0,1"


SNAPSHOTS = {
    USERS: '1,full_active,0,1,1,514,500+,150,"[100,1k)",34,"[30,60)",799,730+,'
    "1,1,29,949,1.0,0,0,14,135,6,3,0,0.0,1.0,,0.0,0.0,0.0",
    VIDEOS: "1,7,NORMAL,2022-04-10,LongImport,0.0,87433.0,720.0,1280.0,9155697141,9.0,food",
    CAMPAIGNS: "1,Spring sale,Acme,food,1,1.5,100",
}
"""A row of each snapshot."""


def write_landing(home: Path, lines: Sequence[str | bytes], date: dt.date = MAY_1, header: str = HEADER) -> Path:
    """Write a night's log as one file, and each missing snapshot with one row; return the log's folder."""
    for feed, row in SNAPSHOTS.items():
        if not landing.is_complete(home / "landing", feed, date):
            write_feed(home, feed, [row], date)
    return write_feed(home, BEHAVIOR_LOGS, lines, date, header, "log.csv.gz")


def write_feed(
    home: Path,
    feed: str,
    lines: Sequence[str | bytes],
    date: dt.date = MAY_1,
    header: str = "",
    name: str = "part.csv.gz",
) -> Path:
    """Write a night's rows of a feed as one file; return its folder."""
    folder = landing.folder(home / "landing", feed, date)
    all_lines = [header or ",".join(NIGHTLY[feed].required), *lines]

    def write(aside: Path) -> None:
        body = b"\n".join(text if isinstance(text, bytes) else text.encode() for text in all_lines) + b"\n"
        (aside / name).write_bytes(gzip.compress(body, mtime=0))

    landing.write_folder(folder, write)
    return folder


def write_prompts(home: Path, *requests: object, date: dt.date = MAY_1) -> Path:
    """Write a night's video prompts, each an object or the text of a line; return their folder."""
    lines = [text if isinstance(text, str) else json.dumps(text, ensure_ascii=False) for text in requests]
    body = "".join(f"{text}\n" for text in lines).encode()
    folder = landing.folder(home / "landing", VIDEO_PROMPTS, date)
    landing.write_folder(folder, lambda aside: write_gzip(aside / "part.jsonl.gz", [body]))
    return folder


def rows_by_file(root: Path, feed: str, date: dt.date = MAY_1) -> dict[str, int]:
    """Check the landed files of a feed; return the number of rows of each."""
    return {name: file.rows for name, file in manifest.write(root, feed, date).items()}


def ingest(date: dt.date = MAY_1) -> JobContext:
    """Run the ingest jobs of one night, from its landing to its row counts; return its context, to read its tables."""
    for job in (users, videos, campaigns, video_prompts, behavior_log, behavior_events, quarantine, reconciliation):
        job.main(["--date", str(date)])
    return JobContext(date, settings())
