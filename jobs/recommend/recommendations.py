"""gold.recommendations: up to 50 videos for every active user, by the recommender that serves after this night's verdict.

Active is who watched anything in the last seven days. Only videos are shown that anyone may see and the user has not been shown
in what gold.interactions remembers. A user whose behaviour speaks for no video is given what is popular. Where no recommender
serves yet, nothing is recommended.
"""

import datetime as dt
import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
import pyarrow as pa

from jobs.platform import decisions, tracking
from jobs.platform.job import run_job
from jobs.recommend import REGISTERED_MODEL
from jobs.recommend.catalogue import Catalogue, catalogue, load_columns
from jobs.recommend.interactions import Interactions, interactions
from jobs.recommend.reasons import reasons
from models.recommend.recommender import Recommender
from models.recommend.registry import load_recommender
from schemas.contract import load_contract

TABLE = "gold.recommendations"
LENGTH = 50

_log = logging.getLogger(__name__)


def transform(date: dt.date, model: Recommender, version: str, videos: Catalogue, known: Interactions) -> pa.Table:
    """The rows of gold.recommendations.

    Args:
        date: the night.
        model: that serves.
        version: its name.
        videos: what is known of each of the model's columns; one that is gone is not visible.
        known: the night's interactions in the model's columns.
    """
    rows = np.flatnonzero(known.active)
    profiles, watched = known.until.strength[rows], known.until.watched[rows]
    profiles.data = np.maximum(profiles.data, 0)
    profiles.eliminate_zeros()
    ids, scores = model.recommend(profiles, LENGTH, exclude=watched, candidates=videos.visible)
    shown = ids >= 0
    users, ranks = np.nonzero(shown)
    written = reasons(model, profiles, ids, videos, taste=model.name == "content_based")
    return pa.table(
        {
            "date": pa.array([date] * len(users), pa.date32()),
            "user_id": pa.array(known.user_ids[rows[users]], pa.string()),
            "rank": pa.array(ranks + 1, pa.int32()),
            "video_id": pa.array(videos.video_ids[ids[shown]]),
            "score": pa.array(scores[shown].astype(np.float64)),
            "model_version": pa.array([version] * len(users), pa.string()),
            "reason": pa.array([reason for of_user in written for reason in of_user], pa.string()),
        },
        schema=load_contract(TABLE).arrow_schema(),
    )


def in_columns(videos: Catalogue, video_ids: NDArray[np.int64]) -> Catalogue:
    """A catalogue in the columns of a model; a video that the night's catalogue lacks is there, but not visible."""
    position = {video: at for at, video in enumerate(videos.video_ids.tolist())}
    at = [position.get(video) for video in video_ids.tolist()]
    return Catalogue(
        video_ids=video_ids,
        visible=np.array([a is not None and bool(videos.visible[a]) for a in at]),
        titles=[None if a is None else videos.titles[a] for a in at],
        tags=[[] if a is None else videos.tags[a] for a in at],
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Write the night's recommendations."""
    with run_job(argv, __doc__, writes=TABLE) as context:
        decisions.follow(context, decisions.MODEL, REGISTERED_MODEL)
        there = catalogue(context)
        version = tracking.serving_if_any(context.settings, REGISTERED_MODEL, "recommend", night=context.date)
        if version is None:
            interactions(context, there.video_ids)  # these are made from it too: a change may let a model serve
            _log.warning("%s: nothing is recommended on %s: no recommender serves yet", TABLE, context.date)
            context.lake.write(load_contract(TABLE).arrow_schema().empty_table())
            return
        directory = tracking.download(context.settings, version)
        video_ids = load_columns(directory)
        videos = in_columns(there, video_ids)
        known = interactions(context, video_ids)
        rows = transform(context.date, load_recommender(directory), version.version, videos, known)
        context.lake.write(rows, model=version.version)


if __name__ == "__main__":
    main()
