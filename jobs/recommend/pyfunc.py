"""How MLflow loads and calls a recommender (models from code: this file is logged, nothing is pickled)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel
from scipy.sparse import csr_matrix

from models.recommend.recommender import Recommender
from models.recommend.registry import load_recommender

_SHOWN = 20


def recommended_videos(model: Recommender, video_ids: NDArray[np.int64], watched: pd.DataFrame) -> pd.DataFrame:
    """The 20 best videos for what each row watched.

    Args:
        model: any recommender.
        video_ids: (items,) which video each column of the model is, ascending.
        watched: `video_ids`, a list of videos a row; those unknown to the model are ignored.

    Returns:
        `video_ids` and `scores`, lists of the same length, best first.
    """
    position = {video: column for column, video in enumerate(video_ids.tolist())}
    rows = [sorted({position[v] for v in videos if v in position}) for videos in watched["video_ids"]]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    indices = np.array([column for row in rows for column in row], dtype=np.int64)
    profiles = csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=(len(rows), len(video_ids)))
    ids, scores = model.recommend(profiles, _SHOWN)
    return pd.DataFrame(
        {
            "video_ids": [video_ids[row[row >= 0]].tolist() for row in ids],
            "scores": [best[row >= 0].astype(float).tolist() for row, best in zip(ids, scores, strict=True)],
        }
    )


class PublishedRecommender(PythonModel):
    """Takes what users watched, a list of video ids a row, and gives what to show them."""

    def load_context(self, context: Any) -> None:
        """Load the model and its columns from its artifact."""
        directory = Path(context.artifacts["model"])
        self.model = load_recommender(directory)
        self.video_ids = np.array(json.loads((directory / "videos.json").read_text()), dtype=np.int64)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """See `recommended_videos`."""
        return recommended_videos(self.model, self.video_ids, model_input)


set_model(PublishedRecommender())
