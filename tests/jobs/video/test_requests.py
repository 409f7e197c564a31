"""The night's requests for trending tags and tastes; deterministic for each night."""

import datetime as dt
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.backfill.stale_days import stale_days
from jobs.platform.job_context import JobContext
from jobs.platform.settings import settings as platform_settings
from jobs.video import requests
from jobs.video.prompts import PROMPTS, TAG_SUBJECTS, prompts_for
from jobs.video.requests import sampled_tastes, taste_tags, tastes_by_tag, transform, trending_tags
from models.video.cartoons.descriptions import ATTRIBUTES
from tests.jobs.lake import insert_rows
from tests.jobs.video.clips import asked_for

NIGHT = dt.date(2022, 5, 1)
TAGS = ["美食", "旅游", "39", "2", "音乐", "体育", "科技", "11", "汽车", "7", "教育", "萌宠"]

VIDEOS = pl.DataFrame(
    {"video_id": range(80), "tags": [[TAGS[i % 12]] if i % 9 else [TAGS[i % 12], "美食"] for i in range(80)]}
)
FEATURES = pl.DataFrame({"video_id": range(80), "views_3d": [i % 13 for i in range(80)], "views_7d": [20] * 80})
TASTES = pl.DataFrame(
    [
        {"user_id": f"{u:032x}", "tag": TAGS[(u + k) % 12], "share": 0.7 if k == 0 else 0.3}
        for u in range(60)
        for k in (0, 3)
    ]
)


def test_requests_do_not_depend_on_the_order_of_rows() -> None:
    first = transform(VIDEOS, FEATURES, TASTES, [], NIGHT, "vae")
    videos, features, tastes = (f.sample(fraction=1.0, shuffle=True, seed=4) for f in (VIDEOS, FEATURES, TASTES))
    assert transform(videos, features, tastes, [], NIGHT, "vae").equals(first)
    assert not transform(VIDEOS, FEATURES, TASTES, [], NIGHT + dt.timedelta(days=1), "vae").equals(first)


def test_a_night_has_requests_in_both_languages_and_of_both_kinds() -> None:
    rows = transform(VIDEOS, FEATURES, TASTES, [], NIGHT, "vae").to_pylist()
    assert 12 <= len(rows) <= 24
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert {(row["origin"], row["language"]) for row in rows} == {
        (o, x) for o in ("trending", "taste") for x in ("zh", "en")
    }
    assert len({row["request_id"] for row in rows}) == len(rows)
    assert all(row["prompt"].isascii() == (row["language"] == "en") for row in rows)


def test_the_requests_of_users_follow_those_of_the_night() -> None:
    asked = asked_for("tea", request="b"), asked_for("", request="a")
    rows = transform(VIDEOS, FEATURES, TASTES, asked, NIGHT, "vae").to_pylist()
    own = transform(VIDEOS, FEATURES, TASTES, [], NIGHT, "vae").to_pylist()
    assert rows[:-2] == own
    assert [(row["origin"], row["request"], row["rank"] - len(own)) for row in rows[-2:]] == [
        ("user", "a", 1), ("user", "b", 2)
    ]  # fmt: skip
    assert [row["refusal"] is None for row in rows[-2:]] == [False, True]
    assert transform(VIDEOS, FEATURES, TASTES, asked[::-1], NIGHT, "vae").to_pylist() == rows


def test_a_night_is_stale_under_another_generator_only_if_a_user_named_one(
    home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for date, generator in ((NIGHT, None), (NIGHT + dt.timedelta(days=1), "vae")):
        insert_rows(home, "silver.videos", [{"video_id": 1, "tags": ["tea"], "arrival_date": date}])
        insert_rows(home, "gold.video_features", [{"video_id": 1, "views_3d": 3, "views_7d": 5, "date": date}])
        insert_rows(home, "gold.user_features", [{"user_id": "0" * 32, "category_tastes": {"tea": 1.0}, "date": date}])
        prompt = asked_for("a cat", generator=generator) | {"arrival_date": date}
        insert_rows(home, "silver.video_prompts", [prompt])
        requests.main(["--date", str(date)])
        rows = JobContext(date, platform_settings()).lake.read_day(requests.TABLE).collect()
        assert [row.prompt for row in rows if row.origin == "user"] == ["a cat"]
        assert len(rows) == 3
    monkeypatch.setenv("NIGHTREEL_VIDEO_GENERATOR", "other")
    stale = stale_days(platform_settings(), date)
    assert [(s.night, s.reasons) for s in stale] == [(date, ("NIGHTREEL_VIDEO_GENERATOR was vae, is other",))]


def test_a_tag_trends_by_its_gain_and_not_by_its_size() -> None:
    videos = pl.DataFrame({"video_id": [1, 2, 3], "tags": [["large"], ["gains"], ["loses"]]})
    features = pl.DataFrame({"video_id": [1, 2, 3], "views_3d": [400, 90, 10], "views_7d": [1000, 110, 110]})
    assert trending_tags(videos, features) == ["gains", "large", "loses"]


def test_a_handful_of_views_is_no_trend() -> None:
    videos = pl.DataFrame({"video_id": [1, 2, 3], "tags": [["large"], ["gains"], ["tiny"]]})
    features = pl.DataFrame({"video_id": [1, 2, 3], "views_3d": [4000, 900, 2], "views_7d": [9000, 1100, 2]})
    assert trending_tags(videos, features)[0] == "gains"


def test_videos_without_tags_or_views_give_no_trending_tags() -> None:
    videos = pl.DataFrame(
        {"video_id": [1, 2], "tags": [[], ["quiet"]]}, schema={"video_id": pl.Int64, "tags": pl.List(pl.String)}
    )
    features = pl.DataFrame({"video_id": [1, 2], "views_3d": [5, 0], "views_7d": [9, 0]})
    assert trending_tags(videos, features) == []


def test_each_cluster_gets_its_distinctive_tag() -> None:
    rows = [(u, "everyone", 0.6) for u in range(30)]
    rows += [(u, ("chess", "tea", "cars")[u % 3], 0.4) for u in range(30)]
    tastes = pl.DataFrame([{"user_id": f"{u:032x}", "tag": tag, "share": share} for u, tag, share in rows])
    assert set(taste_tags(tastes)) == {"chess", "tea", "cars"}
    assert "chess" not in taste_tags(tastes, exclude=["chess"])


def test_tastes_are_a_sample_of_users_that_does_not_change(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [f"{n * 7919 % 1000:032x}" for n in range(300)]
    rows = [(user, {"tea": 1.0}) for user in users]
    schema = "user_id string, category_tastes map<string, double>"
    features = spark.createDataFrame(rows, schema).repartition(3)
    assert sampled_tastes(features)["user_id"].to_pylist() == sorted(users)
    monkeypatch.setattr(requests, "_SAMPLED_USERS", 100)
    sample = sampled_tastes(features)
    assert sample["user_id"].to_pylist() == sorted(users)[:100]
    assert sample["category_tastes"].to_pylist() == [[("tea", 1.0)]] * 100


def test_maps_of_tastes_are_converted_to_rows() -> None:
    tastes = pa.array([[("tea", 1.0)], [], [("cars", 0.75), ("chess", 0.25)]], pa.map_(pa.string(), pa.float64()))
    features = pa.table({"user_id": ["a", "b", "c"], "category_tastes": tastes})
    assert tastes_by_tag(features.slice(1)).rows() == [("c", "cars", 0.75), ("c", "chess", 0.25)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(TAGS), st.floats(0, 1)), max_size=30, unique_by=lambda row: row[:2]
    )
)
def test_any_tastes_give_distinct_known_tags(rows: list[tuple[int, str, float]]) -> None:
    schema = {"user_id": pl.String, "tag": pl.String, "share": pl.Float64}
    tastes = pl.DataFrame([{"user_id": str(u), "tag": t, "share": s} for u, t, s in rows], schema=schema)
    selected = taste_tags(tastes)
    assert len(selected) == len(set(selected)) <= 6
    assert set(selected) <= {tag for _, tag, _ in rows}


def test_every_subject_has_prompts_and_every_tag_a_subject() -> None:
    assert set(PROMPTS) == set(ATTRIBUTES["subject"])
    assert {subject for subjects in TAG_SUBJECTS.values() for subject in subjects} <= set(PROMPTS)


@pytest.mark.parametrize("tag", ["39", "2", "美食", "没有见过", ""])
def test_a_tag_always_gives_the_same_prompts(tag: str) -> None:
    chinese, english = prompts_for(tag, "2022-05-01")
    assert (chinese, english) == prompts_for(tag, "2022-05-01")
    assert chinese.subject == english.subject
    assert (chinese.text, english.text) in PROMPTS[chinese.subject]
