"""Streams gold.ctr_examples in batches of arrays, the input of click models."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from numpy.typing import NDArray

from jobs.features.click_features import USER_CHANGING, USER_FEATURES, USER_FIXED, VIDEO_FEATURES
from jobs.platform.phases import reading
from models.ads.examples import Batch, Examples, Fields, Labels, Ragged

_BATCH_ROWS = 16_384
_NUMERIC_SNAPSHOTS = ("follow_user_num", "fans_user_num", "friend_user_num", "register_days")

FIELDS = Fields(
    numeric=(
        *(f"user_{name}" for name in USER_FEATURES),
        "user_hour_views_7d",
        "user_tab_views_7d",
        "user_taste_for_video",
        *(f"video_{name}" for name in VIDEO_FEATURES),
        "video_age_days",
        "video_duration",
        "server_width",
        "server_height",
        *_NUMERIC_SNAPSHOTS,
    ),
    categorical=(
        "hour",
        "tab",
        "video_id",
        "author_id",
        "video_type",
        "upload_type",
        "music_type",
        *(name for name in USER_CHANGING if name not in _NUMERIC_SNAPSHOTS),
        *USER_FIXED,
    ),
    multi_hot=("tags",),
)
"""Fields of all click models. There is no user id, so an erased user is in no model; counts describe the user's clicks."""


@dataclass(frozen=True)
class ExampleStream:
    """Iterable of examples. Each iteration reads the table again, with one batch in memory at a time.

    Attributes:
        dataset: gold.ctr_examples.
        condition: filter of rows.
        fields: fields to read.
    """

    dataset: pyarrow.dataset.Dataset
    condition: pc.Expression
    fields: Fields = FIELDS

    def __iter__(self) -> Iterator[Batch]:
        for rows in self.record_batches([*self.fields.names, "label"]):
            yield to_examples(rows, self.fields), to_labels(rows)

    def record_batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Return the rows as non-empty Arrow record batches."""
        scanner = self.dataset.scanner(
            columns=columns, filter=self.condition, batch_size=_BATCH_ROWS, batch_readahead=2, fragment_readahead=1
        )
        return (batch for batch in reading(scanner.to_batches()) if batch.num_rows)


def to_examples(rows: pa.RecordBatch | pa.Table, fields: Fields = FIELDS) -> Examples:
    """Convert Arrow columns to arrays; other columns are ignored."""
    return Examples(
        numeric={name: _numbers(rows[name]) for name in fields.numeric},
        categorical={name: _texts(rows[name]) for name in fields.categorical},
        multi_hot={name: _lists(rows[name]) for name in fields.multi_hot},
    )


def to_labels(rows: pa.RecordBatch) -> Labels:
    """Return the column `label`, shape (rows,)."""
    return np.asarray(rows["label"].to_numpy(zero_copy_only=False), dtype=np.uint8)


def _numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False))


def _texts(column: pa.Array | pa.ChunkedArray) -> NDArray[np.str_]:
    return np.asarray(pc.fill_null(column.cast(pa.string()), "").to_numpy(zero_copy_only=False), dtype=np.str_)


def _lists(column: pa.Array | pa.ChunkedArray) -> Ragged:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return Ragged(_texts(pc.list_flatten(column)), offsets)
