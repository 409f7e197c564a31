"""Paints objects that move in front of a backdrop."""

import numpy as np

from models.video.cartoons.backdrops import BACKDROPS
from models.video.cartoons.canvas import Canvas
from models.video.cartoons.descriptions import Description
from models.video.cartoons.objects import OBJECTS
from models.video.cartoons.scenes import COLOURS

_RADIUS = 0.125
_LANES = {"1": (0.5,), "2": (0.3, 0.7), "3": (0.2, 0.5, 0.8)}
"""Count -> positions across the direction of motion, as fractions of the frame."""
_DISTANCES = {"slow": 0.2, "fast": 0.6}
"""Speed -> distance that the objects move in a clip, as a fraction of the frame."""


def paint(c: Canvas, rng: np.random.Generator, description: Description) -> tuple[float, float]:
    """Paint a clip, and return how far the objects move to the right and downwards in its whole length.

    Objects in parallel lanes move along one axis. Their positions and speeds vary from clip to clip, but little,
    so that small models can learn them in minutes.

    Args:
        c: what to paint on.
        rng: draws positions and speed.
        description: what to paint; all attributes are given.
    """
    subject, colour, count, direction, speed, backdrop = (
        description.subject, description.colour, description.count, description.direction, description.speed,
        description.backdrop,
    )  # fmt: skip
    assert colour
    assert count
    assert direction
    assert speed
    assert backdrop
    BACKDROPS[backdrop](c, rng)
    sign = 1 if direction in {"right", "down"} else -1
    is_horizontal = direction in {"left", "right"}
    distance = _DISTANCES[speed] * rng.uniform(0.95, 1.05)
    shift, drift = rng.uniform(-0.015, 0.015), rng.uniform(-0.015, 0.015)
    for number, lane in enumerate(_LANES[count]):
        stagger = (0.09 if number % 2 else -0.09) if count != "1" else 0.0
        along = 0.5 + shift + stagger + sign * distance * (c.t - 0.5)
        across = 0.04 + 0.9 * lane + drift
        x, y = (along, np.full_like(c.t, across)) if is_horizontal else (np.full_like(c.t, across), along)
        OBJECTS[subject](c.window(x, y, 2 * _RADIUS), x, y, _RADIUS, sign if is_horizontal else 1, COLOURS[colour])
    return (sign * distance, 0.0) if is_horizontal else (0.0, sign * distance)
