"""Logs that are late, repeated, reordered, cut, in wrong units or of a wrong clock: every line is where it belongs."""

import datetime as dt
import gzip
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.backfill.accept import accept
from jobs.features import daily_interactions, user_features, video_features
from jobs.ingest import landing
from jobs.ingest.feeds import BEHAVIOR_LOGS, VIDEOS
from jobs.platform import decisions, pseudonym
from jobs.platform.job_context import JobContext
from jobs.platform.lake.history import latest
from jobs.platform.settings import settings
from tests.faults.conftest import RecordFault
from tests.jobs.ingest.nights import HEADER, MAY_1, NOON_MAY_1, SNAPSHOTS, ingest, line, write_feed

USERS = 1_000
"""Each of them is an example, with a history and faults of its own."""
NIGHTS = [MAY_1 + dt.timedelta(days=day) for day in range(3)]
NEW_COLUMN = NIGHTS[2]
"""From then on the logs have one column more."""
DAY_MS = 86_400_000
FEATURES = {
    "gold.daily_interactions": daily_interactions,
    "gold.user_features": user_features,
    "gold.video_features": video_features,
}
Line = tuple[dt.date, str, str]
"""The night in which it arrives, its text, and what becomes of it: rows_out, duplicates or quarantined."""


def history(user: int, chance: random.Random) -> Iterator[Line]:
    """What one user did, with what was done to it on its way."""
    for event in range(chance.randint(1, 4)):
        day = chance.randrange(len(NIGHTS))
        night, later = NIGHTS[day], NIGHTS[chance.randrange(day, len(NIGHTS))]
        time_ms = NOON_MAY_1 + day * DAY_MS + event * 60_000
        video, play = chance.randrange(9), chance.randrange(20_000)
        text = line(user, video, time_ms, play)
        match chance.choice(
            ("whole", "late", "twice", "again", "seconds", "microseconds", "tomorrow", "old", "negative", "cut")
        ):
            case "whole":
                yield night, text, "rows_out"
            case "late":
                yield later, text, "rows_out"
            case "twice":
                yield night, text, "rows_out"
                yield night, text, "duplicates"
            case "again":
                yield night, text, "rows_out"
                yield later, text, "duplicates"
            case "seconds":
                yield night, line(user, video, time_ms // 1000, play), "quarantined"
            case "microseconds":
                yield night, line(user, video, time_ms * 1000, play), "quarantined"
            case "tomorrow":
                yield night, line(user, video, time_ms + DAY_MS, play), "quarantined"
            case "old":
                yield night, line(user, video, time_ms - 4 * DAY_MS, play), "quarantined"
            case "negative":
                yield night, line(user, video, time_ms, -play - 1), "quarantined"
            case "cut":
                yield night, text[: chance.randrange(3, text.rindex(","))], "quarantined"


def write_log(home: Path, lines: list[Line], chance: random.Random) -> None:
    """Lay the lines in an order and in files that chance decides."""
    for night in NIGHTS:
        extra = (",device", ",phone") if night >= NEW_COLUMN else ("", "")
        texts = [f"{text}{extra[1]}" for arrived, text, _ in lines if arrived == night]
        chance.shuffle(texts)
        cut = chance.randrange(len(texts))

        def write(aside: Path, parts: tuple[list[str], ...] = (texts[:cut], texts[cut:]), more: str = extra[0]) -> None:
            for number, part in enumerate(parts):
                body = "\n".join([HEADER + more, *part]) + "\n"
                (aside / f"part-{number}.csv.gz").write_bytes(gzip.compress(body.encode(), mtime=0))

        landing.write_folder(landing.folder(home / "landing", BEHAVIOR_LOGS, night), write)


def write_snapshots(home: Path, night: dt.date) -> None:
    """Lay the users, videos and campaigns of a night."""
    for feed, row in SNAPSHOTS.items():
        rows = [f"{n},{row.partition(',')[2]}" for n in range(9)] if feed == VIDEOS else [row]
        write_feed(home, feed, rows, night)


def run_nights(home: Path, lines: list[Line], chance: random.Random) -> dict[tuple[str, dt.date], str]:
    """Run the nights, and give the content hash of each in each feature table."""
    write_log(home, lines, chance)
    for night in NIGHTS:
        write_snapshots(home, night)
        accept(
            JobContext(night, settings(), writes=decisions.TABLE),
            decisions.VOLUME,
            BEHAVIOR_LOGS,
            "test",
            "all of it is meant",
        )
        ingest(night)
        for feature in FEATURES.values():
            feature.main(["--date", str(night)])
    found = JobContext(MAY_1, settings())
    return {(table, n): made.content for table in FEATURES for n, made in latest(found.lake.uri(table)).items()}


@pytest.mark.long
def test_every_line_is_where_it_belongs(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, record_fault: RecordFault
) -> None:
    chance = random.Random(1_000)
    lines = [line for user in range(USERS) for line in history(user, chance)]
    features = run_nights(home, lines, chance)

    night = JobContext(NIGHTS[-1], settings())
    key = pseudonym.key(settings())
    true = {
        (pseudonym.pseudonym(int(user), key), int(video), int(time), arrived)
        for arrived, (user, video, _, _, time, *_) in ((a, text.split(",")) for a, text, b in lines if b == "rows_out")
    }
    events = (
        night.lake.read("silver.behavior_events").select("user_id", "video_id", "time_ms", "arrival_date").collect()
    )
    assert len(events) == len(true)
    assert set(map(tuple, events)) == true
    counts = Counter((arrived, became) for arrived, _, became in lines)
    for books in night.lake.read("ops.reconciliation").where("source = 'silver.behavior_events'").collect():
        for column in ("rows_out", "duplicates", "quarantined"):
            assert books[column] == counts[books.arrival_date, column], (books.arrival_date, column)

    again = home / "again"
    monkeypatch.setenv("NIGHTREEL_HOME", str(again))
    assert run_nights(again, lines, chance) == features
    record_fault("dirty logs", f"{USERS} histories, {len(lines)} lines, each where it belongs, in any order")
