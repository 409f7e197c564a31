"""Paints objects that move in front of a backdrop."""

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.backdrops import BACKDROPS
from models.video.cartoons.canvas import Canvas
from models.video.cartoons.descriptions import MOST_OBJECTS, Description
from models.video.cartoons.objects import OBJECTS
from models.video.cartoons.scenes import COLOURS

RADIUS = 0.11
"""Half the height of an object, as a fraction of the frame."""

_DISTANCES = {"slow": 0.2, "fast": 0.6}
"""Speed -> distance that the objects move in a clip, as a fraction of the frame."""
_EDGE = 0.15  # margin for the centres of objects, as a fraction of the frame
_ROOM = 0.13  # for places along the direction, also if fast objects then start and end outside
_GAPS = (0.34, 0.26)  # objects at these distances, to the right and downwards, do not touch
_TRIES = 256
_LOW = {"car": 0.82, "boat": 0.78, "duck": 0.80}
"""Object -> its height if it moves to the left or right, as a fraction of the frame; several are higher. Others are anywhere."""


def paint(c: Canvas, rng: np.random.Generator, description: Description) -> NDArray[np.float32]:
    """Paint a clip, and return where the objects move.

    Args:
        c: what to paint on.
        rng: draws positions and speed.
        description: what to paint; all attributes are given.

    Returns:
        The layout, see `draw_layout`.
    """
    assert description.subject
    assert description.colour
    assert description.backdrop
    BACKDROPS[description.backdrop](c, rng)
    layout = draw_layout(description, rng)
    facing = -1 if description.direction == "left" else 1
    for x, y, dx, dy in layout[~np.isnan(layout[:, 0])]:
        across, down = x + dx * (c.t - 0.5), y + dy * (c.t - 0.5)
        window = c.window(across, down, 2 * RADIUS)
        OBJECTS[description.subject](window, across, down, RADIUS, facing, COLOURS[description.colour])
    return layout


def draw_layout(description: Description, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw where objects move. They keep their distance, and nearly all of their way is inside the frame.

    Returns:
        (3, 4) for each object its position in the middle of the clip, x to the right and y downwards, and how far it moves in the
        whole length of the clip, as fractions of the frame. NaN for missing objects.
    """
    assert description.subject
    assert description.count
    assert description.direction
    assert description.speed
    count = int(description.count)
    sign = 1 if description.direction in {"right", "down"} else -1
    is_horizontal = description.direction in {"left", "right"}
    distance = _DISTANCES[description.speed] * rng.uniform(0.95, 1.05)
    inside = max(0.5 - _EDGE - distance / 2, _ROOM)
    low = _LOW.get(description.subject) if is_horizontal else None
    across = (low - 0.18 * (count - 1), low) if low else (_EDGE, 1 - _EDGE)
    places = np.stack(
        [rng.uniform(0.5 - inside, 0.5 + inside, (_TRIES, count)), rng.uniform(*across, (_TRIES, count))], 2
    )
    x, y = np.moveaxis(places if is_horizontal else places[..., ::-1], 2, 0)
    apart = np.maximum(np.abs(x[:, :, None] - x[:, None]) / _GAPS[0], np.abs(y[:, :, None] - y[:, None]) / _GAPS[1])
    chosen = (apart + np.eye(count)).min((1, 2)).clip(max=1).argmax()
    layout = np.full((MOST_OBJECTS, 4), np.nan, np.float32)
    layout[:count, 0], layout[:count, 1] = x[chosen], y[chosen]
    layout[:count, 2:] = (sign * distance, 0.0) if is_horizontal else (0.0, sign * distance)
    return layout
