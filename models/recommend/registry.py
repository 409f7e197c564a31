"""Recommenders by name."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.registry import Registry

if TYPE_CHECKING:
    from models.recommend.recommender import Recommender

RECOMMENDERS: "Registry[Recommender]" = Registry(
    {
        "ease": "models.recommend.ease:Ease",
        "als": "models.recommend.als:Als",
        "item_knn": "models.recommend.item_knn:ItemKnn",
        "pure_svd": "models.recommend.pure_svd:PureSvd",
        "content_based": "models.recommend.content_based:ContentBased",
        "popularity": "models.recommend.popularity:Popularity",
    }
)
"""Usually the best model comes first: it serves as long as no model can be evaluated."""


def load_recommender(directory: Path) -> "Recommender":
    """Load a recommender of any kind from a directory.

    Raises:
        ValueError: the directory contains no complete recommender, or one of an unknown kind.
    """
    from models.recommend.storage import read_state  # imports scipy, which listing the names does not need

    name, _, _ = read_state(directory)
    if name not in RECOMMENDERS:
        raise ValueError(f"{directory} contains a recommender of unknown kind {name!r}")
    return RECOMMENDERS[name].load(directory)
