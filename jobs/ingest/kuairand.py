"""A source that lays KuaiRand's files out as landings (Gao et al., "KuaiRand: An Unbiased Sequential Recommendation Dataset with
Randomly Exposed Videos", CIKM 2022).

The folder has `logs/log_standard_YYYY-MM-DD.csv.gz`, `tables/*_pure.csv.gz` and `history/user_sequences.parquet`. The tables do
not change from day to day, so each night gets them as its snapshot. The history (what users watched up to 2022-04-24, without
times) is one landing of that day.
"""

import csv
import datetime as dt
import gzip
import io
import shutil
from collections import Counter
from pathlib import Path

import pyarrow
import pyarrow.parquet

from jobs.ingest import landing
from jobs.ingest.gzip_file import write_gzip
from jobs.ingest.gzip_lines import count_lines
from jobs.platform.errors import BadInput, MissingInput

HISTORY_DATE = dt.date(2022, 4, 24)
"""The last day that the watch history covers."""

CAMPAIGNS = 6
"""Campaigns that are made of the dataset's advertising videos."""

_LOG = "log_standard_{}.csv.gz"
_TABLES = {
    landing.USERS: "user_features_pure.csv.gz",
    landing.VIDEOS: "video_features_basic_pure.csv.gz",
    landing.VIDEO_STATISTICS: "video_features_statistic_pure.csv.gz",
}
_HISTORY = "user_sequences.parquet"


def land(source: Path, root: Path, date: dt.date) -> None:
    """Lay one night of the dataset, all of its feeds, once all files it comes from have proved sound.

    Args:
        source: the dataset's folder.
        root: the landing.
        date: the night.

    Raises:
        MissingInput: there is no such folder, night or table.
        BadInput: a file is damaged.
    """
    feeds = _files(source, date)
    history = _history(source)
    for path in feeds.values():
        count_lines(path)
    campaigns = _campaigns(feeds[landing.VIDEOS])
    for feed, path in feeds.items():
        landing.lay(landing.folder(root, feed, date), lambda aside, path=path: _copy(path, aside))  # type: ignore[misc]
    landing.lay(
        landing.folder(root, landing.CAMPAIGNS, date), lambda aside: write_gzip(aside / "campaigns.csv.gz", [campaigns])
    )
    if history is not None:
        landing.lay(landing.folder(root, landing.WATCH_HISTORY, HISTORY_DATE), lambda aside: _copy(history, aside))


def _files(source: Path, date: dt.date) -> dict[str, Path]:
    if not (source / "logs").is_dir():
        raise MissingInput(
            f"{source} is no folder in KuaiRand's layout (logs/, tables/, history/)", hint="check SOURCE"
        )
    log = source / "logs" / _LOG.format(date)
    if not log.is_file():
        days = sorted(
            path.name.removeprefix("log_standard_").removesuffix(".csv.gz")
            for path in log.parent.glob(_LOG.format("*"))
        )
        raise MissingInput(f"{source} has no log of {date}", hint=f"the nights there are: {', '.join(days) or 'none'}")
    files = {landing.BEHAVIOR_LOGS: log} | {feed: source / "tables" / name for feed, name in _TABLES.items()}
    for path in files.values():
        if not path.is_file():
            raise MissingInput(
                f"{path} does not exist", hint="a night needs its users, videos and statistics: complete SOURCE"
            )
    return files


def _history(source: Path) -> Path | None:
    path = source / "history" / _HISTORY
    if not path.is_file():
        return None
    try:
        pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise BadInput(f"{path} is damaged or no parquet file ({str(error).splitlines()[0]}); copy it again") from error
    return path


def _campaigns(videos: Path) -> bytes:
    """A campaign for each of the most frequent first tags of advertising videos, as CSV; it shows the first video of them.

    The dataset names advertising videos but no campaigns. A bid grows with the number of a campaign's videos, a budget is a
    thousand bids: values that mean little but stay the same.
    """
    with gzip.open(videos, "rt", encoding="utf-8", newline="") as file:
        ads = [
            (row["tag"].split(",")[0], int(row["video_id"]))
            for row in csv.DictReader(file)
            if row["video_type"] == "AD"
        ]
    sizes = sorted(Counter(tag for tag, _ in ads if tag).items(), key=lambda item: (-item[1], item[0]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(landing.COLUMNS[landing.CAMPAIGNS])
    for number, (tag, size) in enumerate(sizes[:CAMPAIGNS], 1):
        video = min(video for video_tag, video in ads if video_tag == tag)
        bid = round(0.5 + 0.05 * size, 2)
        writer.writerow(
            [number, f"campaign of tag {tag}", f"advertiser {number}", tag, video, bid, round(1000 * bid, 2)]
        )
    return text.getvalue().encode()


def _copy(path: Path, folder: Path) -> None:
    shutil.copyfile(path, folder / path.name)
