"""Reasons of recommendations, as shown to users."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from jobs.recommend.catalogue import Catalogue
from models.recommend.explanation import explaining_items
from models.recommend.recommender import Recommender

POPULAR = "popular this week"


def reasons(
    model: Recommender, profiles: csr_matrix, ids: NDArray[np.int64], videos: Catalogue, prefer_tags: bool
) -> list[list[str]]:
    """Return one reason for each recommended video.

    Args:
        model: the model that made the recommendations.
        profiles: (users, items) the strengths that it used.
        ids: (users, ranks) recommended columns, -1 for unused ranks.
        videos: catalogue in the columns of the model.
        prefer_tags: name a category that the user likes, if there is one, instead of a watched video.

    Returns:
        Reasons by user and rank, without the unused ranks.
    """
    sources = explaining_items(model, profiles, ids)
    watched_reasons = [
        f"because you watched {_display_name(videos, column)}" for column in range(len(videos.video_ids))
    ]
    reasons_by_user: list[list[str]] = []
    for user, row in enumerate(ids):
        entries = slice(profiles.indptr[user], profiles.indptr[user + 1])
        liked = _liked_tags(profiles.indices[entries], profiles.data[entries], videos.tags) if model.personal else {}
        user_reasons: list[str] = []
        for column, source in zip(row[row >= 0].tolist(), sources[user].tolist(), strict=False):
            tag = (
                max(videos.tags[column], key=lambda t: liked.get(t, 0.0), default=None)
                if prefer_tags or source < 0
                else None
            )
            if tag is not None and liked.get(tag, 0.0) > 0:
                user_reasons.append(f"because you like {f'category {tag}' if tag.isdigit() else tag}")
            else:
                user_reasons.append(watched_reasons[source] if source >= 0 else POPULAR)
        reasons_by_user.append(user_reasons)
    return reasons_by_user


def _display_name(videos: Catalogue, column: int) -> str:
    title = videos.titles[column]
    return f"《{title}》" if title else f"video {videos.video_ids[column]}"


def _liked_tags(
    columns: NDArray[np.integer], strengths: NDArray[np.float32], tags: Sequence[Sequence[str]]
) -> Counter[str]:
    liked: Counter[str] = Counter()
    for column, strength in zip(columns.tolist(), strengths.tolist(), strict=True):
        for tag in tags[column]:
            liked[tag] += strength
    return liked
