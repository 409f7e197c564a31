"""What is measured of a clip before a model may learn from it, and why it is left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft

from models.video.captioned_clips import read_pictures
from models.video.ocr import read_text

SHORTEST_S = 2.0
"""Seconds that a clip must have: as many as the project's own generators draw."""

_FPS = 8  # pictures a second that are compared
_SIDE = 32  # pixels to which they are shrunk
_BLACK_LEVEL = 25  # of 255: brighter pixels are not black
_BLACK_PIXELS = 0.98  # least share of black pixels in a black picture; FFmpeg's blackdetect has the same two limits
_STILL_LEVEL = 4  # of 255: the most that a shrunk picture changes if nothing moves; noise and compression made it 2
_MOST_BLACK, _MOST_STILL = 0.5, 0.9
_PICTURES_READ = 3  # of a clip, for text
_PICTURES_HASHED = 4
_MOST_DIFFERENT_BITS = 18  # of 256 bits of two hashes of what is the same clip


@dataclass(frozen=True)
class Measures:
    """What is measured of a clip.

    Attributes:
        seconds, width, height: its length, and its size in pixels.
        black: share of its pictures that are black.
        still: share of its steps of 1/8 second in which nothing changes.
        texts: lines that can be read in its pictures.
        perceptual_hash: 64 hexadecimal digits, which differ in few bits between copies of a clip.
    """

    seconds: float
    width: int
    height: int
    black: float
    still: float
    texts: tuple[str, ...]
    perceptual_hash: str


def measure(path: Path) -> Measures:
    """Decode a clip and measure it.

    Raises:
        BrokenClip: the file is no video, or is damaged.
    """
    shrunk = np.stack([_shrink(picture) for picture in read_pictures(path, _FPS)])
    seconds = len(shrunk) / _FPS
    of_whole_clip = list(read_pictures(path, _PICTURES_READ / seconds))[:_PICTURES_READ]
    texts = dict.fromkeys(text for picture in of_whole_clip for text in read_text(picture))
    is_black = (shrunk <= _BLACK_LEVEL).mean((1, 2)) >= _BLACK_PIXELS
    changes = np.abs(np.diff(shrunk.astype(np.int16), axis=0)).max((1, 2))
    still = float((changes <= _STILL_LEVEL).mean()) if len(changes) else 1.0
    hashed = shrunk[np.arange(_PICTURES_HASHED) * len(shrunk) // _PICTURES_HASHED]
    width, height = of_whole_clip[0].size
    return Measures(seconds, width, height, float(is_black.mean()), still, tuple(texts), _perceptual_hash(hashed))


def reasons(measures: Measures) -> list[str]:
    """Return why no model should learn from a clip, in words; empty if one may."""
    return [
        *([f"lasts {measures.seconds:g} s, less than {SHORTEST_S:g} s"] if measures.seconds < SHORTEST_S else []),
        *([f"black: {measures.black:.0%} of its pictures"] if measures.black > _MOST_BLACK else []),
        *([f"frozen: nothing moves in {measures.still:.0%} of it"] if measures.still > _MOST_STILL else []),
        *([f"shows text: {', '.join(measures.texts)}"] if measures.texts else []),
    ]


def copies(hashes: Sequence[str]) -> list[int | None]:
    """Return for each perceptual hash the position of the first that is so similar that the clips are copies, if that is earlier.

    Copies are encoded again, scaled, brighter or darker. Cropped, mirrored or shifted in time, a clip counts as another one.
    """
    bits = np.array([[int(digits[n : n + 16], 16) for n in range(0, 64, 16)] for digits in hashes], np.uint64)
    first: list[int | None] = []
    originals: list[int] = []
    for number, of_clip in enumerate(bits):
        differences = np.bitwise_count(bits[originals] ^ of_clip).sum(1)
        similar = np.flatnonzero(differences <= _MOST_DIFFERENT_BITS)
        first.append(originals[similar[0]] if len(similar) else None)
        if not len(similar):
            originals.append(number)
    return first


def _shrink(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX))


def _perceptual_hash(pictures: NDArray[np.uint8]) -> str:
    """Return the hash of 4 pictures (4, 32, 32): which of the lowest 8 x 8 frequencies of each are above the median.

    It is "pHash": Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.
    """
    frequencies = fft.dctn(pictures.astype(np.float64), axes=(1, 2))[:, :8, :8].reshape(len(pictures), -1)
    is_high = frequencies > np.median(frequencies, 1, keepdims=True)
    return np.packbits(is_high).tobytes().hex()
