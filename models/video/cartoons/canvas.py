"""Vector canvas for clips: draws anti-aliased shapes on all frames at once, with NumPy.

Coordinates are fractions of the frame: x to the right, y downwards, both in [0, 1]. Time t is in [0, 1) within a clip.
Shapes are signed distances (negative inside), so edges are anti-aliased and sub-pixel motion is smooth.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Value = float | NDArray[Any]
"""A number, or an array (T, 1, 1) with one number for each frame."""
RGB = tuple[float, float, float]

TAU = 2.0 * np.pi


def hex_colour(code: str) -> RGB:
    """Return red, green and blue in [0, 1] of a six-digit hexadecimal colour."""
    return int(code[0:2], 16) / 255.0, int(code[2:4], 16) / 255.0, int(code[4:6], 16) / 255.0


class Canvas:
    """Frames to paint shapes on; later shapes cover earlier ones.

    Attributes:
        image: (3, T, S, S) float32 in [0, 1]; colours are the first axis, as NumPy is slow if the last axis is short.
        x, y, t: broadcastable coordinates of shapes (1, 1, S), (1, S, 1) and (T, 1, 1).
    """

    def __init__(self, frames: int, size: int) -> None:
        centres = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.size = size
        self.x: Array = centres[None, None, :]
        self.y: Array = centres[None, :, None]
        self.t: Array = (np.arange(frames, dtype=np.float32) / frames)[:, None, None]
        self.image: Array = np.zeros((3, frames, size, size), np.float32)

    def window(self, x: Array, y: Array, margin: float) -> "Canvas":
        """Return a canvas for the part of the frames that is nearer than `margin` to a moving point (T, 1, 1).

        What is painted on it appears on this canvas too. Painting small objects on a window takes less time.
        """
        part = copy(self)
        columns = self._within(x, margin)
        rows = self._within(y, margin)
        part.x, part.y = self.x[:, :, columns], self.y[:, rows]
        part.image = self.image[:, :, rows, columns]
        return part

    def _within(self, centres: Array, margin: float) -> slice:
        first, last = (centres.min() - margin) * self.size, (centres.max() + margin) * self.size
        return slice(max(int(first), 0), max(int(last) + 1, 0))

    def cover(self, distance: ArrayLike, softness: float = 1.0) -> Array:
        """Return the coverage in [0, 1] of a signed distance; `softness` is the width of the edge in pixels."""
        return np.clip(0.5 - np.asarray(distance, np.float32) * (self.size / softness), 0.0, 1.0)

    def gradient(self, top: ArrayLike, bottom: ArrayLike) -> None:
        """Fill every frame with a vertical gradient between two colours, each (3,) or (T, 1, 1, 3)."""
        self.image[:] = (1.0 - self.y) * _planes(top) + self.y * _planes(bottom)

    def paint(self, coverage: ArrayLike, colour: ArrayLike) -> None:
        """Blend a colour, (3,) or (T, 1, 1, 3), into the frames; `coverage`, broadcast to (T, S, S), is the opacity."""
        self.image += np.asarray(coverage, np.float32) * (_planes(colour) - self.image)

    def shine(self, intensity: ArrayLike, colour: ArrayLike) -> None:
        """Add light of a colour, clipped to [0, 1], for glow effects."""
        light = np.asarray(intensity, np.float32) * _planes(colour)
        np.clip(self.image + light, 0.0, 1.0, out=self.image)

    def disc(self, cx: Value, cy: Value, radius: Value) -> Array:
        """Return the signed distance to a disc."""
        return np.hypot(self.x - cx, self.y - cy) - radius

    def ellipse(self, cx: Value, cy: Value, rx: Value, ry: Value) -> Array:
        """Return the signed distance (approximate away from the edge) to an ellipse with axes along x and y."""
        scaled = np.hypot((self.x - cx) / rx, (self.y - cy) / ry)
        return (scaled - 1.0) * np.minimum(rx, ry)

    def box(self, x0: Value, y0: Value, x1: Value, y1: Value) -> Array:
        """Return the signed distance to a rectangle with sides along x and y."""
        across = np.maximum(np.asarray(x0) - self.x, self.x - np.asarray(x1))
        along = np.maximum(np.asarray(y0) - self.y, self.y - np.asarray(y1))
        return np.maximum(across, along)

    def segment(self, x0: Value, y0: Value, x1: Value, y1: Value, width: Value) -> Array:
        """Return the signed distance to a line from (x0, y0) to (x1, y1) with round ends."""
        dx, dy = np.asarray(x1) - x0, np.asarray(y1) - y0
        length = np.maximum(dx * dx + dy * dy, 1e-8)
        along = np.clip(((self.x - x0) * dx + (self.y - y0) * dy) / length, 0.0, 1.0)
        return np.hypot(self.x - x0 - along * dx, self.y - y0 - along * dy) - np.asarray(width) / 2

    def polygon(self, corners: Sequence[tuple[Value, Value]]) -> Array:
        """Return the signed distance (approximate) to a convex polygon; corners are clockwise on the screen."""
        sides = []
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            dx, dy = np.asarray(x1) - x0, np.asarray(y1) - y0
            norm = np.maximum(np.hypot(dx, dy), 1e-6)
            sides.append(((self.x - x0) * dy - (self.y - y0) * dx) / norm)
        return np.maximum.reduce(np.broadcast_arrays(*sides))

    def dots(self, x: Array, y: Array, radius: Array) -> Array:
        """Return the coverage (T, S, S) of K round dots at x, y (T, K) with radii (K,); fast because a dot is separable."""
        wide = np.exp(-(((self.x - x[..., None]) / radius[:, None]) ** 2))
        tall = np.exp(-(((self.x - y[..., None]) / radius[:, None]) ** 2))
        return np.clip(1.5 * np.matmul(tall.transpose(0, 2, 1), wide), 0.0, 1.0)

    def below(self, height: Value) -> Array:
        """Return the signed vertical distance to the area below the curve y = `height`."""
        return np.asarray(height) - self.y

    def frames(self) -> NDArray[np.uint8]:
        """Return the finished clip: (T, S, S, 3) uint8, sRGB."""
        return np.ascontiguousarray(
            (np.clip(self.image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8).transpose(1, 2, 3, 0)
        )


def _planes(colour: ArrayLike) -> Array:
    """Return a colour, (3,) or (T, 1, 1, 3), as (3, 1, 1, 1) or (3, T, 1, 1)."""
    values = np.asarray(colour, np.float32)
    return np.moveaxis(values, -1, 0) if values.ndim > 1 else values[:, None, None, None]
