"""The data that a night's recommenders are trained and evaluated on: in this process, or on Spark's executors if it is too large.

The number of rows of gold.daily_interactions decides, which the table's log has. It is at least the number of pairs of a user and
a video.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.platform.job_context import JobContext
from jobs.recommend.catalogue import Catalogue
from jobs.recommend.in_memory import InMemory
from jobs.recommend.interactions import to_interactions
from jobs.recommend.interactions_as_of import TABLE, arrow_interactions_as_of, window
from models.recommend.evaluation import Evaluation
from models.recommend.recommender import Recommender

_log = logging.getLogger(__name__)


class TrainingData(Protocol):
    """The interactions up to a night, and the long views of new videos on the night."""

    @property
    def params(self) -> dict[str, object]:
        """How models are fitted, for MLflow."""

    def sizes(self) -> dict[str, int]:
        """Return the number of users, and of pairs of a user and a video that the user was shown."""

    def fit(self, kind: type[Recommender], *, before: bool = False) -> Recommender:
        """Fit a model, with the data of the night or, if `before`, without.

        Raises:
            NothingToLearn: there is no data to fit on.
            CannotTrain: models of this kind are not fitted on executors.
        """

    def evaluate(self, model: Recommender, video_ids: NDArray[np.int64]) -> Evaluation | None:
        """Evaluate a model on the night.

        Args:
            model: fitted without the data of the night.
            video_ids: (model's items,) the video of each of its columns.

        Returns:
            None if no user had a long view of a new video on the night.
        """


@contextmanager
def training_data(context: JobContext, videos: Catalogue) -> Iterator[TrainingData]:
    """Read the night's interactions, where there is enough memory for them.

    Raises:
        MissingInput: gold.daily_interactions lacks a day of the window.
    """
    rows, limit = context.lake.count_rows(TABLE, window(context.date)), context.settings.pairs_in_memory
    if rows <= limit:
        _log.info(
            "%s: %s rows of the last days, at most %s: training in this process", TABLE, f"{rows:,}", f"{limit:,}"
        )
        known = to_interactions(arrow_interactions_as_of(context), videos.video_ids, context.date)
        yield InMemory(known, videos)
        return
    from jobs.recommend.on_executors import on_executors  # imports Spark

    _log.info(
        "%s: %s rows of the last days, more than %s: training on Spark's executors", TABLE, f"{rows:,}", f"{limit:,}"
    )
    with on_executors(context, videos, rows) as data:
        yield data
