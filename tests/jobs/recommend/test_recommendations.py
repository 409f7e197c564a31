"""Rows of gold.recommendations."""

import datetime as dt
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from jobs.recommend.catalogue import Catalogue
from jobs.recommend.interactions import Interactions, to_interactions
from jobs.recommend.reasons import POPULAR
from jobs.recommend.recommendations import LENGTH, align_catalogue, transform
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


@pytest.fixture(scope="module")
def known() -> Interactions:
    a_view = {"views": 1, "date": SECOND}
    week_ago = SECOND - dt.timedelta(days=7)
    watched = {"user_id": INACTIVE, "video_id": video(0), "event_date": week_ago, "strength_millionths": 1_000_000}
    disliked = {"user_id": DISLIKES, "video_id": video(1), "event_date": SECOND, "strength_millionths": -2_000_000}
    rows = [*interaction_rows(SECOND, before=True), a_view | watched, a_view | disliked]
    return to_interactions(as_of(rows, SECOND), CATALOGUE.video_ids, SECOND)


@pytest.fixture(scope="module", params=list(RECOMMENDERS))
def model(request: pytest.FixtureRequest, known: Interactions) -> Recommender:
    kind = RECOMMENDERS[request.param]
    config = EaseConfig(regularization=10.0) if request.param == "ease" else None
    return kind(config).fit(known.after.signal(kind), CATALOGUE.text)


def test_active_users_get_unseen_visible_videos_in_order(model: Recommender, known: Interactions) -> None:
    rows = transform(SECOND, model, "v", CATALOGUE, known).to_pylist()
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


def test_running_again_gives_the_same_rows(model: Recommender, known: Interactions) -> None:
    assert transform(SECOND, model, "v", CATALOGUE, known) == transform(SECOND, model, "v", CATALOGUE, known)


def test_reasons_name_watched_videos_or_liked_categories(model: Recommender, known: Interactions) -> None:
    rows = transform(SECOND, model, "v", CATALOGUE, known).to_pylist()
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


def test_a_removed_video_is_not_recommended(known: Interactions) -> None:
    kind = RECOMMENDERS["popularity"]
    fewer = Catalogue(CATALOGUE.video_ids[5:], CATALOGUE.visible[5:], CATALOGUE.titles[5:], CATALOGUE.tags[5:])
    videos = align_catalogue(fewer, CATALOGUE.video_ids)
    rows = transform(SECOND, kind().fit(known.after.recent), "v", videos, known)
    assert min(rows["video_id"].to_pylist()) >= video(5)


def test_no_active_user_gives_no_rows(known: Interactions) -> None:
    nobody = Interactions(
        known.user_ids, known.before, known.after, known.targets, np.zeros(len(known.user_ids), dtype=bool)
    )
    model = RECOMMENDERS["popularity"]().fit(csr_matrix(np.ones((1, VIDEOS), dtype=np.float32)))
    assert transform(SECOND, model, "v", CATALOGUE, nobody).num_rows == 0
