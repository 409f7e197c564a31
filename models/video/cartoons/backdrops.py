"""Backdrops of moving objects: time of day, weather and the sea, one function each, which paints a whole clip."""

from collections.abc import Callable

import numpy as np

from models.video.cartoons.canvas import RGB, TAU, Canvas

WHITE: RGB = (1.0, 1.0, 1.0)
_GROUND = 0.88


def day(c: Canvas, rng: np.random.Generator) -> None:
    """A blue sky above a meadow, with the sun in a corner."""
    c.gradient((0.36, 0.68, 0.98), (0.80, 0.93, 1.0))
    c.paint(c.cover(c.disc(0.90, 0.08, 0.11)), (1.0, 0.95, 0.45))
    _hills(c, rng, (0.36, 0.70, 0.30))


_STARS = np.random.default_rng(31).uniform(size=(28, 2)).astype(np.float32)


def night(c: Canvas, rng: np.random.Generator) -> None:
    """The moon and twinkling stars in a dark sky."""
    c.gradient((0.02, 0.03, 0.14), (0.10, 0.12, 0.34))
    x, y = np.broadcast_to(_STARS[:, 0], (len(c.t), 28)), np.broadcast_to(0.8 * _STARS[:, 1], (len(c.t), 28))
    c.shine(c.dots(x, y, np.full(28, 0.012, np.float32)), (0.8, 0.8, 0.7))
    c.paint(c.cover(c.disc(0.12, 0.12, 0.09)), (0.98, 0.96, 0.82))
    _hills(c, rng, (0.05, 0.08, 0.12))


def sunset(c: Canvas, rng: np.random.Generator) -> None:
    """The sun touches the horizon below a red sky."""
    c.gradient((0.42, 0.20, 0.48), (1.0, 0.58, 0.25))
    c.shine(0.4 * np.exp(-((c.disc(0.5, _GROUND, 0.0) / 0.3) ** 2)), (1.0, 0.7, 0.3))
    c.paint(c.cover(c.disc(0.5, _GROUND, 0.15)), (1.0, 0.88, 0.42))
    _hills(c, rng, (0.24, 0.10, 0.14))


_DROPS = np.random.default_rng(32).uniform(size=(22, 2)).astype(np.float32)


def rain(c: Canvas, rng: np.random.Generator) -> None:
    """Rain falls from a grey sky."""
    c.gradient((0.34, 0.38, 0.44), (0.56, 0.60, 0.64))
    _hills(c, rng, (0.24, 0.32, 0.33))
    head = (_DROPS[:, 1] + 2.0 * c.t[:, :, 0]) % 1.0 * 1.2 - 0.05
    down = c.cover(np.abs(c.x - head[..., None]) - 0.05)
    across = c.cover(np.abs(c.x[0] - _DROPS[:, 0][:, None]) - 0.008)
    c.paint(0.7 * np.clip(np.matmul(down.transpose(0, 2, 1), across), 0, 1), (0.82, 0.92, 1.0))


_FLAKES = np.random.default_rng(33).uniform(size=(24, 3)).astype(np.float32)


def snow(c: Canvas, rng: np.random.Generator) -> None:
    """Snowflakes fall on white ground."""
    c.gradient((0.50, 0.60, 0.74), (0.78, 0.84, 0.91))
    _hills(c, rng, (0.97, 0.98, 1.0))
    x0, y0, size = _FLAKES.T
    x = x0 + 0.03 * np.sin(TAU * (c.t[:, :, 0] + size))
    c.paint(c.dots(x, (y0 + 1.0 * c.t[:, :, 0]) % 1.0, 0.016 + 0.012 * size), WHITE)


def sea(c: Canvas, rng: np.random.Generator) -> None:
    """A calm sea below a light sky."""
    c.gradient((0.42, 0.74, 0.98), (0.90, 0.96, 1.0))
    phase = rng.uniform(-0.2, 0.2)
    for number, (top, colour) in enumerate(
        [(0.62, (0.16, 0.50, 0.78)), (0.74, (0.12, 0.43, 0.72)), (0.87, (0.08, 0.36, 0.64))]
    ):
        swell = 0.012 * np.sin(TAU * (2 * c.x + c.t * (1 if number % 2 else -1)) + phase + number)
        c.paint(c.cover(c.below(top + swell)), colour)


_BUBBLES = np.random.default_rng(34).uniform(size=(12, 3)).astype(np.float32)


def underwater(c: Canvas, rng: np.random.Generator) -> None:
    """Water with rising bubbles above the sea bed, with weeds."""
    c.gradient((0.10, 0.52, 0.70), (0.02, 0.20, 0.42))
    phase = rng.uniform(-0.2, 0.2)
    for foot in (0.08, 0.2, 0.84, 0.94):
        bend = 0.02 * np.sin(TAU * (c.t + 2 * c.y) + phase)
        c.paint(c.cover(np.maximum(np.abs(c.x - foot - bend) - 0.014, 0.55 + foot * 0.2 - c.y)), (0.10, 0.50, 0.30))
    x0, y0, size = _BUBBLES.T
    rising = (y0 - c.t[:, :, 0]) % 1.0
    c.paint(0.6 * c.dots(np.broadcast_to(x0, rising.shape), rising, 0.010 + 0.012 * size), (0.75, 0.92, 1.0))
    c.paint(c.cover(c.below(0.91 + 0.02 * np.sin(TAU * c.x + phase))), (0.78, 0.68, 0.45))


def _hills(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    phase = rng.uniform(-0.2, 0.2)
    c.paint(c.cover(c.below(_GROUND + 0.025 * np.sin(TAU * c.x + phase))), colour)


BACKDROPS: dict[str, Callable[[Canvas, np.random.Generator], None]] = {
    painter.__name__: painter for painter in (day, night, sunset, rain, snow, sea, underwater)
}
