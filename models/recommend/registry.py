"""Recommenders by name."""

from pathlib import Path

from models.recommend.als import Als
from models.recommend.content_based import ContentBased
from models.recommend.ease import Ease
from models.recommend.item_knn import ItemKnn
from models.recommend.popularity import Popularity
from models.recommend.pure_svd import PureSvd
from models.recommend.recommender import Recommender
from models.recommend.storage import read_state

RECOMMENDERS: dict[str, type[Recommender]] = {
    model.name: model for model in (Ease, Als, ItemKnn, PureSvd, ContentBased, Popularity)
}
"""The one that usually ranks best comes first: where nothing can be judged yet, it serves."""


def load_recommender(directory: Path) -> Recommender:
    """Whichever recommender was saved in a directory.

    Raises:
        ValueError: it holds none, or one that this version does not know.
    """
    name, _, _ = read_state(directory)
    if name not in RECOMMENDERS:
        raise ValueError(f"{directory} holds a recommender of unknown kind {name!r}")
    return RECOMMENDERS[name].load(directory)
