"""Nights without usable training data: the champion stays, the reason is recorded, and later nights work."""

import datetime as dt
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.platform import tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend import REGISTERED_MODEL, promote, recommendations, train
from jobs.recommend.interactions_as_of import LOOKBACK_DAYS
from models.recommend.registry import RECOMMENDERS
from tests.jobs.lake import insert_rows
from tests.jobs.recommend.nights import FIRST, SECOND, interaction_rows, video, write_night, write_videos

THIRD = SECOND + dt.timedelta(days=1)
FOURTH = THIRD + dt.timedelta(days=LOOKBACK_DAYS)
"""When all earlier nights are forgotten."""


def _night(date: dt.date, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, str], str]:
    """Run training, promotion and recommendations; return the output of each training and of the promotion."""
    outputs = {}
    for name in RECOMMENDERS:
        capsys.readouterr()
        train.main(["--date", str(date), "--model", name])
        outputs[name] = capsys.readouterr().out.strip()
    promote.main(["--date", str(date)])
    verdict = capsys.readouterr().out.strip()
    recommendations.main(["--date", str(date)])
    return outputs, verdict


def _recommended(date: dt.date) -> int:
    night = JobContext(date, settings())
    assert night.lake.has_day("gold.recommendations", date)
    return night.lake.read_day("gold.recommendations").count()


def test_thin_nights(home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    disliked = [
        {**row, "strength_millionths": -1_000_000, "long_views": 0} for row in interaction_rows(FIRST, before=False)
    ]
    write_videos(home, FIRST)
    insert_rows(home, "gold.daily_interactions", disliked)
    outputs, verdict = _night(FIRST, capsys)
    assert set(outputs.values()) == {
        *(f"{n} is not trained: no interaction has a positive strength" for n in RECOMMENDERS if n != "popularity"),
        "popularity is not trained: no video had a long view in the last days",
    }
    assert verdict.startswith("no model serves yet: als: no interaction has a positive strength; content_based: ")
    assert _recommended(FIRST) == 0

    write_night(home, SECOND, before=True)
    outputs, verdict = _night(SECOND, capsys)
    assert verdict.startswith("there is no champion yet")
    champion = tracking.serving(settings(), REGISTERED_MODEL, night=SECOND).version
    assert champion in outputs.values()
    assert _recommended(SECOND) > 0

    # Nobody watched a video of the catalogue, and no video has a title or tags.
    insert_rows(home, "silver.videos", [{"video_id": 1, "visible": True, "tags": [], "arrival_date": THIRD}])
    insert_rows(home, "gold.daily_interactions", interaction_rows(THIRD, before=True))
    outputs, verdict = _night(THIRD, capsys)
    assert len(outputs) == len(tracking.untrained(settings(), "recommend", THIRD)) == len(RECOMMENDERS)
    assert verdict.startswith(f"{champion} stays: ")
    assert tracking.serving(settings(), REGISTERED_MODEL, night=THIRD).version == champion
    assert _recommended(THIRD) == 0  # the model knows no video of the new catalogue

    # One user, one video without words or long views: some models can be trained, and are candidates.
    insert_rows(home, "silver.videos", [{"video_id": video(0), "visible": True, "tags": [], "arrival_date": FOURTH}])
    (row, *_) = interaction_rows(FOURTH, before=False)
    row |= {"video_id": video(0), "long_views": 0}
    insert_rows(home, "gold.daily_interactions", [row])
    _, verdict = _night(FOURTH, capsys)
    assert tracking.untrained(settings(), "recommend", FOURTH) == {
        "content_based": "no video has a word in its title or tags",
        "popularity": "no video had a long view in the last days",
    }
    assert verdict == f"no model can be evaluated on this night; {champion} stays"
    assert _recommended(FOURTH) == 0  # the user has seen the only video
