"""Small whole landings of invented users, videos and campaigns, and the night's jobs run on them one after another."""

import datetime as dt
import importlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from jobs.ingest.feeds import BEHAVIOR_LOGS, CAMPAIGNS, USERS, VIDEOS
from tests.jobs.ingest.nights import write_feed
from tests.night_jobs import NIGHT_JOBS

_USER = "{},full_active,0,1,1,514,500+,150,1k,34,60,799,730+,1,1,29,949,1.0,0,0,14,135,6,3,0,0.0,1.0,,0.0,0.0,0.0"
_VIDEO = "{},7,NORMAL,2022-04-10,LongImport,0.0,87433.0,720.0,1280.0,9155697141,9.0,{}"
_CAMPAIGN = "{},Spring sale,Acme,food,{},0.5,100"


def lines(
    date: dt.date, count: int = 60, users: int = 8, videos: int = 5, clicks: Collection[int] = range(0, 1000, 3)
) -> list[str]:
    """Lines of a log, one a minute from noon on; those are clicked whose places are in `clicks`."""
    noon = int(dt.datetime.combine(date, dt.time(12), ZoneInfo("Asia/Shanghai")).timestamp() * 1000)
    return [
        f"{i % users + 1},{2 * i % videos + 1},{date:%Y%m%d},1200,{noon + 60_000 * i},{int(i in clicks)},0,0,0,0,0,1,"
        f"{3000 + i},9000,0,0,0,0,1"
        for i in range(count)
    ]


def write_landing(
    home: Path,
    date: dt.date,
    log: Sequence[str],
    users: Iterable[int] = range(1, 9),
    videos: Iterable[int] = range(1, 6),
    tag: str = "food",
    campaigns: Iterable[tuple[int, int]] = ((1, 1),),
) -> None:
    """Write every feed that a night needs.

    Args:
        home: the state folder.
        date: the night.
        log: the lines of the log.
        users: ids of the snapshot's users.
        videos: ids of the snapshot's videos.
        tag: what the videos are tagged with.
        campaigns: id of each campaign and its video.
    """
    rows = {
        BEHAVIOR_LOGS: list(log),
        USERS: [_USER.format(user) for user in users],
        VIDEOS: [_VIDEO.format(video, tag) for video in videos],
        CAMPAIGNS: [_CAMPAIGN.format(*campaign) for campaign in campaigns],
    }
    for feed, of_feed in rows.items():
        write_feed(home, feed, of_feed, date)


def run(date: dt.date, leave_out: Collection[str] = ()) -> None:
    """Run the night's jobs in this process, as the DAG does; each must end well."""
    for module, *arguments in NIGHT_JOBS:
        if module not in leave_out:
            importlib.import_module(f"jobs.{module}").main(["--date", str(date), *arguments])
