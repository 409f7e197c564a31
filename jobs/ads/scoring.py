"""Scores pairs of users and campaigns with a click model in Spark's Python workers."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.ads.examples import FIELDS, to_examples
from jobs.platform import model_files
from models.ads.registry import load_click_model

if TYPE_CHECKING:
    from models.ads.click_model import ClickModel  # imports torch, which only the workers need

_KEYS = ("campaign_id", "user_id", "video_id")
_COLUMNS = tuple(dict.fromkeys([*_KEYS, *FIELDS.names]))
_SCORED = "campaign_id bigint, user_id string, video_id bigint, expected_ctr double"
_DIGITS = 6  # of a probability; later digits depend on the order of summation


def score(described: DataFrame, model: str) -> DataFrame:
    """Predict the pairs, batch by batch.

    Args:
        described: pairs with click features.
        model: name of the model's files, from `model_files.sent`.

    Returns:
        campaign_id, user_id, video_id, expected_ctr.
    """

    def score_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for pairs in batches:
            if pairs.num_rows:
                yield score_batch(pairs, _load(model))

    return described.select(*_COLUMNS).mapInArrow(score_batches, _SCORED)


def score_batch(pairs: pa.RecordBatch, model: "ClickModel") -> pa.RecordBatch:
    """Return the pairs of a batch with their expected_ctr. A pair's value does not depend on the others of its batch."""
    expected = np.round(model.predict_proba(to_examples(pairs)), _DIGITS)
    return pa.RecordBatch.from_arrays([*(pairs[key] for key in _KEYS), pa.array(expected)], [*_KEYS, "expected_ctr"])


@lru_cache(maxsize=1)  # a worker may live longer than a job
def _load(model: str) -> "ClickModel":
    return load_click_model(model_files.on_worker(model))
