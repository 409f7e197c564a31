"""MLflow model of a recommender ("models from code": MLflow logs this file, nothing is pickled)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from models.recommend.recommender import Recommender
from models.recommend.registry import load_recommender

_K = 20


def recommended_videos(model: Recommender, video_ids: NDArray[np.int64], watched: pd.DataFrame) -> pd.DataFrame:
    """Return the 20 best videos for each row of watched videos.

    Args:
        model: any recommender.
        video_ids: (items,) ascending; the video of each column of the model.
        watched: `video_ids`, a list of videos for each row; videos unknown to the model are ignored.

    Returns:
        `video_ids` and `scores`, lists of the same length, best first.
    """
    position = {video: column for column, video in enumerate(video_ids.tolist())}
    rows = [sorted({position[v] for v in videos if v in position}) for videos in watched["video_ids"]]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    indices = np.array([column for row in rows for column in row], dtype=np.int64)
    profiles = csr_matrix((np.ones(len(indices), np.float32), indices, indptr), shape=(len(rows), len(video_ids)))
    ids, scores = model.recommend(profiles, _K)
    return pd.DataFrame(
        {
            "video_ids": [video_ids[row[row >= 0]].tolist() for row in ids],
            "scores": [best[row >= 0].astype(float).tolist() for row, best in zip(ids, scores, strict=True)],
        }
    )


class PublishedRecommender(PythonModel):
    """Recommends videos; the input is a list of watched video ids for each row."""

    def load_context(self, context: Any) -> None:
        """Load the model and its video ids from the artifact."""
        directory = Path(context.artifacts["model"])
        self.model = load_recommender(directory)
        self.video_ids = np.array(json.loads((directory / "videos.json").read_text()), dtype=np.int64)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """See `recommended_videos`."""
        return recommended_videos(self.model, self.video_ids, model_input)


set_model(PublishedRecommender())
