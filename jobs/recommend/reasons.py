"""Why a video is recommended, in words that a user understands."""

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
    model: Recommender, profiles: csr_matrix, ids: NDArray[np.int64], videos: Catalogue, taste: bool
) -> list[list[str]]:
    """One reason for each recommended video.

    Args:
        model: that recommended.
        profiles: (users, items) strengths that it recommended from.
        ids: (users, ranks) recommended columns, -1 where none.
        videos: what is known of each of the model's columns.
        taste: name a category that the user likes where there is one, rather than a video that the user watched.

    Returns:
        by user and rank, as many as there are ids that are not -1.
    """
    sources = explaining_items(model, profiles, ids)
    because = [f"because you watched {_named(videos, column)}" for column in range(len(videos.video_ids))]
    written: list[list[str]] = []
    for user, row in enumerate(ids):
        entries = slice(profiles.indptr[user], profiles.indptr[user + 1])
        liked = _liked_tags(profiles.indices[entries], profiles.data[entries], videos.tags) if model.personal else {}
        written.append([])
        for column, source in zip(row[row >= 0].tolist(), sources[user].tolist(), strict=False):
            tag = (
                max(videos.tags[column], key=lambda t: liked.get(t, 0.0), default=None) if taste or source < 0 else None
            )
            if tag is not None and liked.get(tag, 0.0) > 0:
                written[-1].append(f"because you like {f'category {tag}' if tag.isdigit() else tag}")
            else:
                written[-1].append(because[source] if source >= 0 else POPULAR)
    return written


def _named(videos: Catalogue, column: int) -> str:
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
