"""The videos that recommenders rank: which column stands for which video, and what is known of each."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import pyarrow.compute as pc

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job_context import JobContext

_FILE = "videos.json"


@dataclass(frozen=True)
class Catalogue:
    """The videos of silver.videos on a night, by column.

    Attributes:
        video_ids: (items,) ascending.
        visible: (items,) whether anyone may see the video.
        titles: (items,) None where the source has none.
        tags: (items,) categories.
    """

    video_ids: NDArray[np.int64]
    visible: NDArray[np.bool_]
    titles: list[str | None]
    tags: list[list[str]]

    @property
    def text(self) -> list[str]:
        """(items,) title and tags in one line."""
        return [" ".join([title or "", *tags]) for title, tags in zip(self.titles, self.tags, strict=True)]


def catalogue(context: JobContext) -> Catalogue:
    """The night's snapshot of silver.videos.

    Raises:
        MissingInput: there is none.
    """
    if not context.lake.has_day("silver.videos", context.date):
        raise MissingInput(
            "silver.videos", context.date, f"run python -m jobs.ingest.videos --date {context.date} first"
        )
    columns = ["video_id", "visible", "title", "tags"]
    table = context.lake.arrow("silver.videos").to_table(
        columns=columns, filter=pc.field("arrival_date") == context.date
    )
    table = table.sort_by("video_id")
    return Catalogue(
        video_ids=table["video_id"].to_numpy(),
        visible=table["visible"].to_numpy().astype(bool),
        titles=table["title"].to_pylist(),
        tags=[list(tags) for tags in table["tags"].to_pylist()],
    )


def save_columns(directory: Path, video_ids: NDArray[np.int64]) -> None:
    """Write beside a saved model which video each of its columns is."""
    (directory / _FILE).write_text(json.dumps(video_ids.tolist()) + "\n")


def load_columns(directory: Path) -> NDArray[np.int64]:
    """Which video each column of the model in a directory is.

    Raises:
        BadInput: the directory does not tell.
    """
    try:
        return np.array(json.loads((directory / _FILE).read_text()), dtype=np.int64)
    except (OSError, ValueError) as error:
        raise BadInput(f"{directory} is not a published recommender: {error}") from error
