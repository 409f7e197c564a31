"""Nights that no recommender can learn from: the champion stays, says why, and the nights after go on."""

import datetime as dt
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.platform import tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from jobs.recommend import REGISTERED_MODEL, promote, recommendations, train
from models.recommend.registry import RECOMMENDERS
from tests.jobs.lake import insert_rows
from tests.jobs.recommend.nights import FIRST, SECOND, insert_night, insert_videos, interaction_rows, video

THIRD, FOURTH = (SECOND + dt.timedelta(days=later) for later in (1, 2))


def _night(date: dt.date, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, str], str]:
    """Train all, give the verdict and publish; what the trainings and the verdict said."""
    said = {}
    for name in RECOMMENDERS:
        capsys.readouterr()
        train.main(["--date", str(date), "--model", name])
        said[name] = capsys.readouterr().out.strip()
    promote.main(["--date", str(date)])
    verdict = capsys.readouterr().out.strip()
    recommendations.main(["--date", str(date)])
    return said, verdict


def _recommended(date: dt.date) -> int:
    night = JobContext(date, settings())
    assert night.lake.has_day("gold.recommendations", date)
    return night.lake.read_day("gold.recommendations").count()


def test_thin_nights(home: Path, spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    hated = [{**row, "strength": -1.0, "long_views_on_day": 0} for row in interaction_rows(FIRST, before=False)]
    insert_videos(home, FIRST)
    insert_rows(home, "gold.interactions", hated)
    said, verdict = _night(FIRST, capsys)
    assert set(said.values()) == {
        *(f"{n} is not trained: nobody's behaviour speaks for a video" for n in RECOMMENDERS if n != "popularity"),
        "popularity is not trained: nobody has long viewed a video of late",
    }
    assert verdict.startswith("no model serves yet: als: nobody's behaviour speaks for a video; content_based: ")
    assert _recommended(FIRST) == 0

    insert_night(home, SECOND, before=True)
    said, verdict = _night(SECOND, capsys)
    assert verdict.startswith("there is no champion yet")
    champion = tracking.serving(settings(), REGISTERED_MODEL, night=SECOND).version
    assert champion in said.values()
    assert _recommended(SECOND) > 0

    # Nobody watched any video of the catalogue, and none has a word.
    insert_rows(home, "silver.videos", [{"video_id": 1, "visible": True, "tags": [], "arrival_date": THIRD}])
    insert_rows(home, "gold.interactions", interaction_rows(THIRD, before=True))
    said, verdict = _night(THIRD, capsys)
    assert len(said) == len(tracking.untrained(settings(), "recommend", THIRD)) == len(RECOMMENDERS)
    assert verdict.startswith(f"{champion} stays: ")
    assert tracking.serving(settings(), REGISTERED_MODEL, night=THIRD).version == champion
    assert _recommended(THIRD) == 0  # what it knows is gone, and what is there it does not know

    # One user, one video without words, long viewed by nobody: what can be trained is, and competes.
    insert_rows(home, "silver.videos", [{"video_id": video(0), "visible": True, "tags": [], "arrival_date": FOURTH}])
    (row, *_) = interaction_rows(FOURTH, before=False)
    row |= {"video_id": video(0), "long_views_on_day": 0}
    insert_rows(home, "gold.interactions", [row])
    _, verdict = _night(FOURTH, capsys)
    assert tracking.untrained(settings(), "recommend", FOURTH) == {
        "content_based": "no video has a word in its title or tags",
        "popularity": "nobody has long viewed a video of late",
    }
    assert verdict == f"nothing can be judged on this night; {champion} stays"
    assert _recommended(FOURTH) == 0  # the user has seen the only video
