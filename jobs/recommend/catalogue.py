"""The catalogue: the videos that recommenders rank, with the column of each video."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import feather

from jobs.platform.errors import BadInput, MissingInput
from jobs.platform.job_context import JobContext

_COLUMNS, _CATALOGUE = "videos.json", "catalogue.arrow"


@dataclass(frozen=True)
class Catalogue:
    """The videos of silver.videos on a night, by column of the matrices.

    Attributes:
        video_ids: (items,) ascending.
        visible: (items,) True if the video may be shown.
        titles: (items,) None if the source has no title.
        tags: (items,) categories.
    """

    video_ids: NDArray[np.int64]
    visible: NDArray[np.bool_]
    titles: list[str | None]
    tags: list[list[str]]

    @property
    def text(self) -> list[str]:
        """(items,) title and tags as one text."""
        return [" ".join([title or "", *tags]) for title, tags in zip(self.titles, self.tags, strict=True)]


def read_catalogue(context: JobContext) -> Catalogue:
    """Read the night's snapshot of silver.videos.

    Raises:
        MissingInput: silver.videos has no rows for the night.
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
    """Write the video ids of a model's columns into the directory of the saved model."""
    (directory / _COLUMNS).write_text(json.dumps(video_ids.tolist()) + "\n")


def load_columns(directory: Path) -> NDArray[np.int64]:
    """Return the video ids of the columns of a saved model.

    Raises:
        BadInput: the directory has no valid list of video ids.
    """
    try:
        return np.array(json.loads((directory / _COLUMNS).read_text()), dtype=np.int64)
    except (OSError, ValueError) as error:
        raise BadInput(f"{directory} is not a published recommender: {error}") from error


def save_catalogue(directory: Path, videos: Catalogue) -> None:
    """Write a catalogue into a directory."""
    columns = {
        "video_ids": videos.video_ids,
        "visible": videos.visible,
        "titles": pa.array(videos.titles, pa.string()),
        "tags": pa.array(videos.tags, pa.list_(pa.string())),
    }
    feather.write_feather(pa.table(columns), directory / _CATALOGUE, compression="uncompressed")


def load_catalogue(directory: Path) -> Catalogue:
    """Return the catalogue that `save_catalogue` wrote into a directory."""
    columns = feather.read_table(directory / _CATALOGUE)
    return Catalogue(
        video_ids=columns["video_ids"].to_numpy(),
        visible=columns["visible"].to_numpy(),
        titles=columns["titles"].to_pylist(),
        tags=columns["tags"].to_pylist(),
    )


def align_catalogue(videos: Catalogue, video_ids: NDArray[np.int64]) -> Catalogue:
    """Return the catalogue in the columns of a model; videos that are no longer in the catalogue are not visible."""
    position = {video: index for index, video in enumerate(videos.video_ids.tolist())}
    indices = [position.get(video) for video in video_ids.tolist()]
    return Catalogue(
        video_ids=video_ids,
        visible=np.array([i is not None and bool(videos.visible[i]) for i in indices]),
        titles=[None if i is None else videos.titles[i] for i in indices],
        tags=[[] if i is None else videos.tags[i] for i in indices],
    )


def positions(video_ids: NDArray[np.int64], model_video_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (model's items,) the position of each video of a model in `video_ids` (ascending), -1 if it is not there."""
    index = np.minimum(np.searchsorted(video_ids, model_video_ids), len(video_ids) - 1)
    return np.where(video_ids[index] == model_video_ids, index, -1)
