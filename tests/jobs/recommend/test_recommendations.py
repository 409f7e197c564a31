"""Rows of gold.recommendations."""

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession

from jobs.platform import model_files
from jobs.recommend import recommendations
from jobs.recommend.block import LENGTH, recommend
from jobs.recommend.catalogue import Catalogue, align_catalogue, save_catalogue
from jobs.recommend.interactions import Interactions, to_interactions
from jobs.recommend.reasons import POPULAR
from models.recommend.ease import EaseConfig
from models.recommend.recommender import Recommender
from models.recommend.registry import RECOMMENDERS
from tests.jobs.recommend.nights import INVISIBLE, SECOND, TAGS, VIDEOS, as_of, interaction_rows, user, video
from tests.models.recommend.tastes import GROUPS

CATALOGUE = Catalogue(
    video_ids=np.array([video(i) for i in range(VIDEOS)]),
    visible=np.arange(VIDEOS) != INVISIBLE,
    titles=[f"标题{i}" if i % 2 else None for i in range(VIDEOS)],
    tags=[[TAGS[i % GROUPS]] for i in range(VIDEOS)],
)
INACTIVE, DISLIKES = user(500), user(501)


def active(pairs: pa.Table) -> pa.Table:
    """Return the pairs of all users but the inactive one, as a block has them."""
    return pairs.filter(pc.not_equal(pairs["user_id"], INACTIVE))


@pytest.fixture(scope="module")
def pairs() -> pa.Table:
    a_view = {"views": 1, "date": SECOND}
    week_ago = SECOND - dt.timedelta(days=7)
    watched = {"user_id": INACTIVE, "video_id": video(0), "event_date": week_ago, "strength_millionths": 1_000_000}
    disliked = {"user_id": DISLIKES, "video_id": video(1), "event_date": SECOND, "strength_millionths": -2_000_000}
    return as_of([*interaction_rows(SECOND, before=True), a_view | watched, a_view | disliked], SECOND)


@pytest.fixture(scope="module")
def known(pairs: pa.Table) -> Interactions:
    return to_interactions(pairs, CATALOGUE.video_ids, SECOND)


@pytest.fixture(scope="module", params=list(RECOMMENDERS))
def model(request: pytest.FixtureRequest, known: Interactions) -> Recommender:
    kind = RECOMMENDERS[request.param]
    config = EaseConfig(regularization=10.0) if request.param == "ease" else None
    return kind(config).fit(known.after.signal(kind), CATALOGUE.text)


def test_active_users_get_unseen_visible_videos_in_order(
    model: Recommender, pairs: pa.Table, known: Interactions
) -> None:
    rows = recommend(active(pairs), SECOND, model, "v", CATALOGUE).to_pylist()
    shown = {(row["user_id"], row["video_id"]) for row in rows}
    assert len(shown) == len(rows)
    seen = known.after.watched.tocoo()
    assert not shown & {(known.user_ids[u], video(i)) for u, i in zip(seen.row, seen.col, strict=True)}
    assert video(INVISIBLE) not in {v for _, v in shown}
    assert {u for u, _ in shown} == set(known.user_ids) - {INACTIVE}
    by_user: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_user.setdefault(row["user_id"], []).append(row)
    unseen = known.after.watched[:, CATALOGUE.visible]
    for number, name in enumerate(known.user_ids):
        if name == INACTIVE:
            continue
        listed = by_user[name]
        assert [row["rank"] for row in listed] == list(range(1, len(listed) + 1))
        assert len(listed) == min(LENGTH, unseen.shape[1] - unseen[number].nnz)
        assert all(a["score"] >= b["score"] for a, b in pairwise(listed))


def test_the_order_of_rows_does_not_matter(model: Recommender, pairs: pa.Table) -> None:
    shuffled = pairs.take(np.random.default_rng(3).permutation(pairs.num_rows))
    assert recommend(shuffled, SECOND, model, "v", CATALOGUE) == recommend(pairs, SECOND, model, "v", CATALOGUE)


@pytest.mark.parametrize("blocks", [1, 3])
def test_workers_recommend_the_same_as_this_process(
    spark: SparkSession,
    model: Recommender,
    pairs: pa.Table,
    blocks: int,
    tmp_path: Path,
) -> None:
    model.save(tmp_path)
    save_catalogue(tmp_path, CATALOGUE)
    with model_files.sent(spark, tmp_path) as name:
        rows = recommendations.transform(spark.createDataFrame(pairs), blocks, SECOND, name, "v").toArrow()
    order = [("user_id", "ascending"), ("rank", "ascending")]
    actual = rows.sort_by(order).to_pydict()
    expected = recommend(active(pairs), SECOND, model, "v", CATALOGUE).sort_by(order).to_pydict()
    assert actual.pop("score") == pytest.approx(expected.pop("score"), rel=1e-5, abs=1e-6)
    assert actual == expected


def test_reasons_name_watched_videos_or_liked_categories(
    model: Recommender, pairs: pa.Table, known: Interactions
) -> None:
    rows = recommend(active(pairs), SECOND, model, "v", CATALOGUE).to_pylist()
    watched = {name: known.after.watched[row].indices.tolist() for row, name in enumerate(known.user_ids)}
    for row in rows:
        user_videos = watched[row["user_id"]]
        possible = {POPULAR}
        if row["user_id"] != DISLIKES and model.personal:
            possible |= {f"because you watched {f'《标题{i}》' if i % 2 else f'video {video(i)}'}" for i in user_videos}
            possible |= {
                f"because you like {tag if tag != '12' else 'category 12'}"
                for i in user_videos
                for tag in [TAGS[i % GROUPS]]
            }
        assert row["reason"] in possible
    if model.personal:
        kind = "because you like" if model.name == "content_based" else "because you watched"
        assert sum(row["reason"].startswith(kind) for row in rows) > 0.2 * len(rows)


def test_a_removed_video_is_not_recommended(pairs: pa.Table, known: Interactions) -> None:
    kind = RECOMMENDERS["popularity"]
    fewer = Catalogue(CATALOGUE.video_ids[5:], CATALOGUE.visible[5:], CATALOGUE.titles[5:], CATALOGUE.tags[5:])
    videos = align_catalogue(fewer, CATALOGUE.video_ids)
    rows = recommend(pairs, SECOND, kind().fit(known.after.recent), "v", videos)
    assert min(rows["video_id"].to_pylist()) >= video(5)


def test_no_active_user_gives_no_rows(spark: SparkSession, pairs: pa.Table) -> None:
    inactive = spark.createDataFrame(pairs.filter(pc.equal(pairs["user_id"], INACTIVE)))
    assert recommendations.transform(inactive, 1, SECOND, "not sent", "v").isEmpty()


def test_blocks_are_counted_from_the_active_users(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommendations, "_BLOCK_USERS", 2)
    week_ago, long_ago = SECOND - dt.timedelta(days=6), SECOND - dt.timedelta(days=7)
    tomorrow = SECOND + dt.timedelta(days=1)
    rows = [("a", SECOND, SECOND), ("a", SECOND, week_ago), ("b", SECOND, week_ago), ("c", SECOND, SECOND)]
    not_active = [("d", SECOND, long_ago), ("e", tomorrow, SECOND), ("f", tomorrow, tomorrow)]
    daily = spark.createDataFrame(rows + not_active, "user_id string, date date, event_date date")
    assert recommendations.blocks_of_users(daily, SECOND) == 2
