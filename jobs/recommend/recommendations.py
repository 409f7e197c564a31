"""gold.recommendations: up to 50 videos for every active user, by the recommender that serves after this night's promotion.

A user is active if they watched anything in the last seven days. Only visible videos are recommended that the user was not shown
before, according to gold.daily_interactions. A user without a positive interaction gets popular videos. As long as no recommender
serves, there are no rows.
"""

import datetime as dt
import logging
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jobs.platform import decisions, tracking
from jobs.platform.job import run_job
from jobs.recommend import REGISTERED_MODEL
from jobs.recommend.catalogue import Catalogue, load_columns, read_catalogue
from jobs.recommend.interactions import Interactions, read_interactions
from jobs.recommend.reasons import reasons
from models.recommend.recommender import Recommender
from models.recommend.registry import load_recommender
from schemas.contract import load_contract

TABLE = "gold.recommendations"
LENGTH = 50

_log = logging.getLogger(__name__)


def transform(date: dt.date, model: Recommender, version: str, videos: Catalogue, known: Interactions) -> pa.Table:
    """Return the rows of gold.recommendations.

    Args:
        date: the night.
        model: the model that serves.
        version: its version.
        videos: catalogue in the columns of the model; a removed video is not visible.
        known: the night's interactions in the columns of the model.
    """
    rows = np.flatnonzero(known.active)
    profiles, watched = known.after.strength[rows], known.after.watched[rows]
    profiles.data = np.maximum(profiles.data, 0)
    profiles.eliminate_zeros()
    ids, scores = model.recommend(profiles, LENGTH, exclude=watched, candidates=videos.visible)
    is_used = ids >= 0
    users, ranks = np.nonzero(is_used)
    reasons_by_user = reasons(model, profiles, ids, videos, prefer_tags=model.name == "content_based")
    return pa.table(
        {
            "date": pa.array([date] * len(users), pa.date32()),
            "user_id": pa.array(known.user_ids[rows[users]], pa.string()),
            "rank": pa.array(ranks + 1, pa.int32()),
            "video_id": pa.array(videos.video_ids[ids[is_used]]),
            "score": pa.array(scores[is_used].astype(np.float64)),
            "model_version": pa.array([version] * len(users), pa.string()),
            "reason": pa.array([reason for user_reasons in reasons_by_user for reason in user_reasons], pa.string()),
        },
        schema=load_contract(TABLE).arrow_schema(),
    )


def align_catalogue(videos: Catalogue, video_ids: NDArray[np.int64]) -> Catalogue:
    """Return the catalogue in the columns of a model; videos that are no longer in the catalogue are not visible."""
    position = {video: index for index, video in enumerate(videos.video_ids.tolist())}
    indices = [position.get(video) for video in video_ids.tolist()]
    return Catalogue(
        video_ids=video_ids,
        visible=np.array([i is not None and bool(videos.visible[i]) for i in indices]),
        titles=[None if i is None else videos.titles[i] for i in indices],
        tags=[[] if i is None else videos.tags[i] for i in indices],
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's recommendations."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        decisions.depend_on(context, decisions.MODEL, REGISTERED_MODEL)
        night_videos = read_catalogue(context)
        version = tracking.serving_or_none(context.settings, REGISTERED_MODEL, "recommend", night=context.date)
        if version is None:
            read_interactions(
                context, night_videos.video_ids
            )  # records the input: a change of it may let a model serve
            _log.warning("%s: no rows for %s: no recommender serves yet", TABLE, context.date)
            context.lake.write(load_contract(TABLE).arrow_schema().empty_table())
            return
        directory = tracking.download(context.settings, version)
        video_ids = load_columns(directory)
        videos = align_catalogue(night_videos, video_ids)
        known = read_interactions(context, video_ids)
        rows = transform(context.date, load_recommender(directory), version.version, videos, known)
        context.lake.write(rows, model=version.version)


if __name__ == "__main__":
    main()
