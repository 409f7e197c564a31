"""Rows of gold.audience_segments."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.ads import REGISTERED_MODEL, audience_segments, promote, train
from jobs.ads.audience_segments import SEGMENTS, segments
from jobs.platform import tracking
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings
from models.ads.registry import CLICK_MODELS
from schemas.contract import load_contract
from tests.jobs.ads.nights import FIRST, USERS, VIDEOS, impressions, write_examples
from tests.jobs.lake import insert_rows, publish_rows

scored = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 99), st.sampled_from([0.1, 0.2, 0.3, 0.4])),
    min_size=1,
    max_size=120,
    unique_by=lambda row: row[:2],
)
Scored = list[tuple[int, int, float]]


def _frame(rows: Scored) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "campaign_id": [campaign for campaign, _, _ in rows],
            "user_id": [f"{user:032x}" for _, user, _ in rows],
            "video_id": [7 + campaign for campaign, _, _ in rows],
            "expected_ctr": [expected for _, _, expected in rows],
        }
    )


@given(scored)
def test_each_campaign_keeps_the_best_two_tenths_of_its_users(rows: Scored) -> None:
    actual = {(row["campaign_id"], row["user_id"]): row for row in segments(_frame(rows), FIRST, "m").to_pylist()}
    expected = {}
    for campaign in {campaign for campaign, _, _ in rows}:
        ranked = sorted((-p, f"{user:032x}") for other, user, p in rows if other == campaign)
        for rank, (negative, user) in enumerate(ranked):
            if (decile := rank * 10 // len(ranked)) < 2:
                expected[campaign, user] = (SEGMENTS[decile], -negative, 7 + campaign, FIRST, "m")
    keys = ("segment", "expected_ctr", "video_id", "date", "model_version")
    assert {key: tuple(row[name] for name in keys) for key, row in actual.items()} == expected


@given(scored, st.integers(0, 2**32))
def test_the_order_of_rows_does_not_matter(rows: Scored, seed: int) -> None:
    shuffled = [rows[index] for index in np.random.default_rng(seed).permutation(len(rows))]
    assert segments(_frame(rows), FIRST, "m").equals(segments(_frame(shuffled), FIRST, "m"))


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
    for empty_table in ("silver.campaigns", "gold.user_features"):
        publish_rows(home, empty_table, FIRST, [])
        audience_segments.main(["--date", str(FIRST)])
        later = JobContext(FIRST, settings())
        assert later.lake.read_day(audience_segments.TABLE).collect() == []
        insert_rows(home, "silver.campaigns", [campaign(1, 14), campaign(2, 2)])  # 14 is hidden


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
