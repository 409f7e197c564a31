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
"""The one that usually ranks best comes first: where nothing can be judged yet, it serves."""


def load_recommender(directory: Path) -> "Recommender":
    """Whichever recommender was saved in a directory.

    Raises:
        ValueError: it holds none, or one that this version does not know.
    """
    from models.recommend.storage import read_state  # imports scipy, which whoever asks for names only has no use for

    name, _, _ = read_state(directory)
    if name not in RECOMMENDERS:
        raise ValueError(f"{directory} holds a recommender of unknown kind {name!r}")
    return RECOMMENDERS[name].load(directory)
