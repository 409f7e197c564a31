"""What a clip shows of what a person should see first: bare skin and faces, found by the detector that `nudenet` ships.

Only the package's weights are used, with onnxruntime. Three frames of a clip are looked at, each scaled into a square of 320
pixels.
"""

import ast
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.video.generator import Frames
from models.video.packaged_network import packaged_network

EXPOSED = (
    "FEMALE_BREAST_EXPOSED", "FEMALE_GENITALIA_EXPOSED", "MALE_GENITALIA_EXPOSED", "BUTTOCKS_EXPOSED", "ANUS_EXPOSED",
)  # fmt: skip
FACES = ("FACE_FEMALE", "FACE_MALE")
SEEN_FROM = 0.4
"""Least score, 0 to 1, at which something counts as shown."""

_SIDE = 320
_FRAMES = 3


def shown(frames: Frames) -> dict[str, float]:
    """Return label -> highest score, 0 to 1, for all labels that the frames (T, H, W, 3) show."""
    session, labels = _detector()
    looked_at = frames[((np.arange(_FRAMES) + 0.5) * len(frames) / _FRAMES).astype(int)]
    images = np.stack([_square(frame) for frame in looked_at]).transpose(0, 3, 1, 2)
    (boxes,) = session.run(None, {"images": images.astype(np.float32) / 255})
    highest = boxes[:, 4:].max(axis=(0, 2))  # boxes: (frames, 4 coordinates and a score for each label, boxes)
    return {label: round(float(highest[n]), 2) for n, label in enumerate(labels) if highest[n] >= SEEN_FROM}


def doubts(shows: Mapping[str, float], *, faces: bool) -> list[str]:
    """Return why a person has to look at a clip, in words.

    Args:
        shows: see `shown`.
        faces: whether a face is such a reason.
    """
    groups = {"may show nudity": EXPOSED, **({"shows a face": FACES} if faces else {})}
    scores = {words: max((shows.get(label, 0.0) for label in labels), default=0.0) for words, labels in groups.items()}
    return [f"the clip {words} (score {score:.2f})" for words, score in scores.items() if score]


@cache
def _detector() -> tuple[Any, list[str]]:
    """Return the detector, with one thread, and its labels."""
    session = packaged_network("nudenet", "320n.onnx")
    names: dict[int, str] = ast.literal_eval(session.get_modelmeta().custom_metadata_map["names"])
    labels = [names[number] for number in range(len(names))]
    return session, labels


def _square(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a frame (H, W, 3) in the upper left of a black square of the detector's size."""
    image = Image.fromarray(frame)
    scale = _SIDE / max(image.size)
    square = Image.new("RGB", (_SIDE, _SIDE))
    square.paste(image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale)))), (0, 0))
    return np.asarray(square)
