"""Classifier of scenes by similarity to rendered clips, for the automatic evaluation of generated clips."""

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.scenes import Clips
from models.video.generator import Frames

_CELLS = 8  # a frame is averaged to 8 x 8 cells
_SAMPLED_FRAMES = 4  # of each clip


class SceneJudge:
    """Nearest-centroid classifier of clips, with one centroid for each scene and colour.

    Args:
        clips: rendered clips (N, T, S, S, 3) with labels, to compute the centroids from.
    """

    def __init__(self, clips: Clips) -> None:
        features = _features(clips.frames)
        kinds = sorted(set(zip(clips.scenes.tolist(), clips.colours.tolist(), strict=True)))
        self._scenes = np.array([scene for scene, _ in kinds])
        self._centroids = np.stack([features[(clips.scenes == s) & (clips.colours == c)].mean(0) for s, c in kinds])

    def scenes(self, clips: Frames) -> NDArray[np.int64]:
        """Return the index of the scene of each clip (N, T, H, W, 3); height and width are multiples of 8."""
        features = _features(clips)
        distances = ((features[:, None] - self._centroids[None]) ** 2).sum(-1)
        return self._scenes[distances.argmin(1)]

    @staticmethod
    def motion(clips: Frames) -> float:
        """Return the mean absolute change of a pixel between consecutive frames, in levels of 0 to 255."""
        return float(np.mean([np.abs(np.diff(clip.astype(np.int16), axis=0)).mean() for clip in clips]))


def _features(clips: Frames) -> NDArray[np.float64]:
    n, frames, height, width, _ = clips.shape
    sampled = clips[:, np.linspace(0, frames - 1, _SAMPLED_FRAMES).round().astype(int)]
    cells = sampled.reshape(n, _SAMPLED_FRAMES, _CELLS, height // _CELLS, _CELLS, width // _CELLS, 3)
    return cells.mean(axis=(3, 5), dtype=np.float64).reshape(n, -1)
