"""What a night wrote is what a backfill of it writes, though rows of its day have arrived since."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.features import ctr_examples, daily_interactions, user_features, video_features
from jobs.ingest import behavior_events, behavior_log
from jobs.ingest.behavior_rows import EVENTS
from jobs.platform.job_context import JobContext
from jobs.platform.lake.history import latest
from jobs.platform.settings import settings
from tests.faults.conftest import RecordFault
from tests.jobs import lake
from tests.jobs.ingest.nights import MAY_1, MAY_2, NOON_MAY_1, line, write_landing

FEATURES: dict[str, Callable[[Sequence[str]], None]] = {
    "gold.user_features": user_features.main,
    "gold.video_features": video_features.main,
    "gold.daily_interactions": daily_interactions.main,
    "gold.ctr_examples": ctr_examples.main,
}


def recommend(argv: Sequence[str]) -> None:
    """Train one model, let it serve, and recommend."""
    from jobs.platform import tracking  # what trains takes seconds to import
    from jobs.recommend import REGISTERED_MODEL, recommendations, train

    night = JobContext(MAY_1, settings())
    train.train(night, "popularity")
    (version,) = tracking.candidates(night.settings, REGISTERED_MODEL, night=night.date, families=["popularity"])
    tracking.set_verdict(night.settings, REGISTERED_MODEL, night=night.date, promoted=version)
    recommendations.main(argv)


def land(home: Path, lines: Sequence[str], night: dt.date) -> None:
    write_landing(home, lines, night)
    for job in (behavior_log, behavior_events):
        job.main(["--date", str(night)])


@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param(FEATURES, id="features"),
        pytest.param(FEATURES | {"gold.recommendations": recommend}, id="recommendations", marks=pytest.mark.long),
    ],
)
def test_late_rows_leave_the_night_as_it_was(
    home: Path, spark: SparkSession, jobs: dict[str, Callable[[Sequence[str]], None]], record_fault: RecordFault
) -> None:
    videos = [{"video_id": n, "visible": True, "tags": [f"{n % 2}"], "arrival_date": MAY_1} for n in range(9)]
    lake.insert_rows(home, "silver.videos", videos)
    lake.insert_rows(home, "silver.users", [{"user_id": "0" * 32, "arrival_date": MAY_1}])
    land(home, [line(n % 5, n % 7, NOON_MAY_1 + n) for n in range(40)], MAY_1)
    written: list[dict[str, str]] = []
    for _ in range(2):
        for job in jobs.values():
            job(["--date", str(MAY_1)])
        night = JobContext(MAY_2, settings())
        written.append({table: latest(night.lake.uri(table))[MAY_1].content for table in jobs})
        if len(written) == 1:
            late = [line(n % 5, n % 9, NOON_MAY_1 + 1000 + n) for n in range(40)]
            land(home, [*late, line(1, time_ms=NOON_MAY_1 + 86_400_000)], MAY_2)
    assert written[0] == written[1]
    assert night.lake.read_day(EVENTS, MAY_2).where(f"event_date = DATE'{MAY_1}'").count() == 40, "there are late rows"
    record_fault("rows that arrive late", f"{', '.join(jobs)}: the same rows as on the night itself")
