"""Rows of gold.audience_segments."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.ads import REGISTERED_MODEL, audience_segments, promote, train
from jobs.ads.audience_segments import SEGMENTS, segments
from jobs.ads.scoring import score_batch
from jobs.features.click_features import with_click_features
from jobs.platform import tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from models.ads.registry import CLICK_MODELS, load_click_model
from schemas.contract import load_contract
from tests.jobs.ads.nights import FIRST, USERS, VIDEOS, impressions, write_examples
from tests.jobs.lake import insert_rows, publish_rows

SCORED = "campaign_id bigint, user_id string, video_id bigint, expected_ctr double"


def test_each_campaign_keeps_the_best_two_tenths_of_its_users(spark: SparkSession) -> None:
    rng = np.random.default_rng(5)
    sizes = {campaign: int(rng.integers(1, 60)) for campaign in range(20)}
    scored = {
        campaign: {f"{user:032x}": float(rng.choice([0.1, 0.2, 0.3, 0.4])) for user in range(size)}
        for campaign, size in sizes.items()
    }
    rows = [(campaign, user, 7 + campaign, p) for campaign, users in scored.items() for user, p in users.items()]
    shuffled = [rows[index] for index in rng.permutation(len(rows))]
    actual = segments(spark.createDataFrame(shuffled, SCORED).repartition(5), FIRST, "m").collect()
    expected = set()
    for campaign, users in scored.items():
        for rank, (user, p) in enumerate(sorted(users.items(), key=lambda item: (-item[1], item[0]))):
            if (decile := rank * 10 // len(users)) < 2:
                expected.add((FIRST, campaign, user, SEGMENTS[decile], 7 + campaign, p, "m"))
    assert {tuple(row) for row in actual} == expected
    assert len(actual) == len(expected)


def _write_night(
    home: Path, campaigns: Sequence[tuple[int, int]] = ((1, 0), (1, 13), (1, 14), (2, 2), (3, 14))
) -> None:
    """Write all input tables of a night; video 14 is hidden."""
    date = FIRST
    users = [f"{user:032x}" for user in range(USERS)]
    hours = [0] * 24
    hours[20], hours[8] = 5, 5
    insert_rows(
        home,
        "gold.user_features",
        [
            {
                "user_id": user,
                "views_7d": number,
                "hour_views": hours,
                "tab_views": {1: 3, 0: 2 + number % 2},
                "category_tastes": {"旅游": 1.0},
                "date": date,
            }
            for number, user in enumerate(users)
        ],
    )
    insert_rows(
        home,
        "gold.video_features",
        [{"video_id": video, "views_7d": video * 10 + 5, "date": date} for video in range(VIDEOS)],
    )
    insert_rows(home, "silver.users", [{"user_id": user, "arrival_date": date} for user in users])
    insert_rows(
        home,
        "silver.videos",
        [
            {
                "video_id": video,
                "author_id": video // 2,
                "video_type": "NORMAL",
                "visible": video != 14,
                "arrival_date": date,
            }
            for video in range(VIDEOS)
        ],
    )
    insert_rows(home, "silver.campaigns", [campaign(*pair) for pair in campaigns])


def campaign(number: int, video: int) -> dict[str, Any]:
    """Return a row of silver.campaigns."""
    return {
        "campaign_id": number,
        "video_id": video,
        "name": "n",
        "advertiser": "a",
        "tag": "旅游",
        "bid": 1.0,
        "budget": 9.0,
        "arrival_date": FIRST,
    }


def test_segments_come_from_the_model_that_serves(
    spark: SparkSession, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_night(home)
    write_examples(home, FIRST)
    with pytest.raises(SystemExit) as exit_info:
        audience_segments.main(["--date", str(FIRST)])
    assert exit_info.value.code == 66
    message = "click_model: no version promoted up to 2022-05-01; run that night's promotion first"
    assert message in capsys.readouterr().err
    for model in CLICK_MODELS:
        train.main(["--date", str(FIRST), "--model", model])
    promote.main(["--date", str(FIRST)])
    audience_segments.main(["--date", str(FIRST)])
    night = JobContext(FIRST, settings())
    first = night.lake.arrow("gold.audience_segments").to_table()
    rows = first.to_pylist()
    serving = tracking.serving(settings(), REGISTERED_MODEL, night=FIRST)
    assert {row["model_version"] for row in rows} == {serving.version}
    assert {(row["campaign_id"], row["video_id"]) for row in rows} == {
        (1, 13),
        (2, 2),
    }  # 14 has more views but is hidden
    assert len(rows) == 2 * USERS // 5
    by_campaign = {number: [row["expected_ctr"] for row in rows if row["campaign_id"] == number] for number in (1, 2)}
    assert min(by_campaign[1]) > 0.6  # click rates in the examples: high for video 13, low for video 2
    assert max(by_campaign[2]) < 0.4
    assert set(night.lake.arrow("gold.audience_segments").schema.names) == {
        c.name for c in load_contract("gold.audience_segments").columns
    }
    audience_segments.main(["--date", str(FIRST)])
    again = JobContext(FIRST, settings()).lake.arrow("gold.audience_segments").to_table()
    order = [("campaign_id", "ascending"), ("user_id", "ascending")]
    assert again.sort_by(order).equals(first.sort_by(order))
    in_process = _scored_in_process(night, tracking.download(settings(), serving))
    for row in rows:
        assert row["expected_ctr"] == in_process[row["campaign_id"], row["user_id"]]
    for empty_table in ("silver.campaigns", "gold.user_features"):
        publish_rows(home, empty_table, FIRST, [])
        audience_segments.main(["--date", str(FIRST)])
        later = JobContext(FIRST, settings())
        assert later.lake.read_day(audience_segments.TABLE).collect() == []
        insert_rows(home, "silver.campaigns", [campaign(1, 14), campaign(2, 2)])  # 14 is hidden


def _scored_in_process(night: JobContext, directory: Path) -> dict[tuple[int, str], float]:
    """Return expected_ctr of all pairs by campaign and user, in one batch in this process."""
    read = night.lake.read_day
    features, video_features = read("gold.user_features"), read("gold.video_features")
    shown = audience_segments.campaign_videos(read("silver.campaigns"), video_features, read("silver.videos"))
    described = with_click_features(
        audience_segments.pairs(shown, features),
        features,
        video_features,
        night.lake.read("silver.users"),
        night.lake.read("silver.videos"),
        FIRST + dt.timedelta(days=1),
    )
    pairs = described.orderBy("user_id").toArrow().combine_chunks().to_batches()[0]
    columns = score_batch(pairs, load_click_model(directory)).to_pydict()
    keys = zip(columns["campaign_id"], columns["user_id"], strict=True)
    return dict(zip(keys, columns["expected_ctr"], strict=True))


def test_without_a_model_there_are_no_rows(spark: SparkSession, home: Path) -> None:
    _write_night(home, campaigns=[(3, 14)])
    insert_rows(home, "gold.ctr_examples", [{**row, "label": 0} for row in impressions(FIRST, rows=20)])
    for model in CLICK_MODELS:
        train.main(["--date", str(FIRST), "--model", model])
    promote.main(["--date", str(FIRST)])
    audience_segments.main(["--date", str(FIRST)])
    night = JobContext(FIRST, settings())
    assert night.lake.has_day(audience_segments.TABLE, FIRST)
    assert night.lake.read_day(audience_segments.TABLE).count() == 0


def test_pairs_have_the_user_s_busiest_hour_and_tab(spark: SparkSession, home: Path) -> None:
    _write_night(home)
    night = JobContext(FIRST, settings())
    shown = spark.createDataFrame([(1, 13)], "campaign_id bigint, video_id bigint")
    rows = audience_segments.pairs(shown, night.lake.read_day("gold.user_features")).collect()
    assert {(row.user_id, row.hour, row.tab) for row in rows} == {
        (f"{user:032x}", 8, 0 if user % 2 else 1) for user in range(USERS)
    }
