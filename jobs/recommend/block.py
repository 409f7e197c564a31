"""Recommendations of a block of users, computed by a Python worker of Spark."""

import datetime as dt
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pyarrow as pa

from jobs.platform import model_files
from jobs.recommend.catalogue import Catalogue, load_catalogue
from jobs.recommend.profiles import to_profiles
from jobs.recommend.reasons import reasons
from models.recommend.recommender import Recommender
from models.recommend.registry import load_recommender
from schemas.contract import load_contract

LENGTH = 50


def recommend(known: pa.Table, date: dt.date, model: Recommender, version: str, videos: Catalogue) -> pa.Table:
    """Return the users' rows of gold.recommendations; the order of the given rows does not matter.

    Args:
        known: user_id, video_id and strength of all pairs of these users and a video that they were shown.
        date: the night.
        model: the model that serves.
        version: its version.
        videos: catalogue in the columns of the model; a removed video is not visible.
    """
    user_ids, strength, watched = to_profiles(known, videos.video_ids)
    ids, scores = model.recommend(strength, LENGTH, exclude=watched, candidates=videos.visible)
    is_used = ids >= 0
    users, ranks = np.nonzero(is_used)
    reasons_by_user = reasons(model, strength, ids, videos, prefer_tags=model.name == "content_based")
    return pa.table(
        {
            "date": pa.array([date] * len(users), pa.date32()),
            "user_id": pa.array(user_ids[users], pa.string()),
            "rank": pa.array(ranks + 1, pa.int32()),
            "video_id": pa.array(videos.video_ids[ids[is_used]]),
            "score": pa.array(scores[is_used].astype(np.float64)),
            "model_version": pa.array([version] * len(users), pa.string()),
            "reason": pa.array([reason for user_reasons in reasons_by_user for reason in user_reasons], pa.string()),
        },
        schema=load_contract("gold.recommendations").arrow_schema(),
    )


def recommend_sent(date: dt.date, model: str, version: str) -> Callable[[pa.Table], pa.Table]:
    """Return `recommend` with the model and the catalogue that were sent under a name, see `model_files.sent`."""

    def recommend_block(known: pa.Table) -> pa.Table:  # a Connect session refuses a functools.partial
        recommender, videos = _load(model)
        return recommend(known, date, recommender, version, videos)

    return recommend_block


@lru_cache(maxsize=1)  # a worker may live longer than a job
def _load(model: str) -> tuple[Recommender, Catalogue]:
    directory = model_files.on_worker(model)
    return load_recommender(directory), load_catalogue(directory)
