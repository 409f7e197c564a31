"""Objects that can be drawn anywhere, in any colour and number, one function each. `compositions` moves them.

Every object has a dark outline, so that it stands out from any backdrop. An object that has a front faces its direction.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from models.video.cartoons.canvas import RGB, TAU, Canvas, Value

_OUTLINE = 0.02
WHITE: RGB = (1.0, 1.0, 1.0)
BLACK: RGB = (0.0, 0.0, 0.0)


def balloon(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A toy balloon on a string."""
    c.paint(c.cover(c.segment(x, y + radius, x, y + 1.9 * radius, 0.018)), (0.25, 0.22, 0.22))
    _fill(c, c.ellipse(x, y, 0.85 * radius, radius), colour)
    c.paint(0.8 * c.cover(c.ellipse(x - 0.3 * radius, y - 0.4 * radius, 0.18 * radius, 0.25 * radius)), WHITE)


def ball(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A ball with a white band."""
    disc = c.disc(x, y, 0.9 * radius)
    _fill(c, disc, colour)
    c.paint(c.cover(np.maximum(disc, np.abs(c.y - y) - 0.2 * radius)), (0.98, 0.96, 0.90))


def car(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A car, seen from the side."""
    cabin = c.box(x - 0.65 * radius, y - 0.65 * radius, x + 0.5 * radius, y + 0.1 * radius)
    body = c.box(x - 1.25 * radius, y - 0.1 * radius, x + 1.25 * radius, y + 0.5 * radius)
    _fill(c, np.minimum(cabin, body), colour)
    c.paint(c.cover(cabin + 0.22 * radius), (0.80, 0.93, 1.0))
    c.paint(c.cover(c.disc(x + facing * 1.1 * radius, y + 0.15 * radius, 0.16 * radius)), (1.0, 0.95, 0.60))
    for side in (-0.7, 0.7):
        c.paint(c.cover(c.disc(x + side * radius, y + 0.55 * radius, 0.36 * radius)), (0.08, 0.08, 0.09))


def fish(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A fish with an eye, a fin and a tail."""
    tail = _polygon(c, x, y, radius, facing, [(-0.6, 0.0), (-1.4, 0.7), (-1.4, -0.7)])
    _fill(c, np.minimum(tail, c.ellipse(x, y, radius, 0.68 * radius)), colour)
    c.paint(c.cover(c.disc(x + facing * 0.55 * radius, y - 0.15 * radius, 0.2 * radius)), WHITE)
    c.paint(c.cover(c.disc(x + facing * 0.6 * radius, y - 0.15 * radius, 0.1 * radius)), BLACK)


def bird(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A gliding bird."""
    beak = _polygon(c, x, y, radius, facing, [(1.05, -0.55), (1.6, -0.3), (1.05, -0.1)])
    c.paint(c.cover(beak - 0.01), (1.0, 0.62, 0.10))
    body = np.minimum(c.ellipse(x, y, 0.95 * radius, 0.45 * radius), _disc(c, x, y, radius, facing, 0.75, -0.3, 0.42))
    _fill(c, body, colour)
    wing = _polygon(c, x, y, radius, facing, [(0.35, 0.05), (-0.45, 0.05), (-0.75, -1.15)])
    c.paint(c.cover(wing - _OUTLINE), np.array(colour) * 0.3)
    c.paint(c.cover(wing), np.array(colour) * 0.75)
    c.paint(c.cover(_disc(c, x, y, radius, facing, 0.85, -0.38, 0.13)), BLACK)


def boat(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A boat with a white sail."""
    c.paint(c.cover(c.segment(x, y - 1.2 * radius, x, y + 0.3 * radius, 0.025)), (0.30, 0.20, 0.12))
    sail = _polygon(c, x, y, radius, facing, [(0.1, -1.2), (1.0, 0.05), (0.1, 0.05)])
    c.paint(c.cover(sail - _OUTLINE), (0.25, 0.25, 0.28))
    c.paint(c.cover(sail), (0.98, 0.97, 0.92))
    hull = c.polygon(
        [
            (x - 1.25 * radius, y + 0.25 * radius),
            (x + 1.25 * radius, y + 0.25 * radius),
            (x + 0.8 * radius, y + 0.85 * radius),
            (x - 0.8 * radius, y + 0.85 * radius),
        ]
    )
    _fill(c, hull, colour)


def star(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A star with five points."""
    across, down = c.x - x, c.y - y
    angle = np.arctan2(across, -down)
    folded = np.abs((angle + TAU / 10) % (TAU / 5) - TAU / 10)
    distance = np.hypot(across, down)
    # The side of a point runs from the tip at (radius, 0) to the notch at 0.42 of the radius.
    notch = 0.46 * radius
    tip_x, notch_x, notch_y = 1.15 * radius, notch * np.cos(TAU / 10), notch * np.sin(TAU / 10)
    side_x, side_y = notch_x - tip_x, notch_y
    length = np.hypot(side_x, side_y)
    along, off = distance * np.cos(folded), distance * np.sin(folded)
    _fill(c, ((off * side_x - (along - tip_x) * side_y) / -length), colour)


def leaf(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A leaf with a rib and a stalk."""
    c.paint(c.cover(c.segment(x, y + 0.9 * radius, x + 0.5 * radius, y + 1.5 * radius, 0.025)), (0.32, 0.22, 0.10))
    shape = np.maximum(c.disc(x - 0.75 * radius, y, 1.35 * radius), c.disc(x + 0.75 * radius, y, 1.35 * radius))
    _fill(c, shape, colour)
    c.paint(c.cover(c.segment(x, y - 0.8 * radius, x, y + 0.9 * radius, 0.02)), np.array(colour) * 0.35)


def plane(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """An aeroplane, seen from the side."""
    tail = _polygon(c, x, y, radius, facing, [(-1.35, -0.85), (-0.95, -0.85), (-0.6, 0.0), (-1.2, 0.0)])
    _fill(c, np.minimum(tail, c.ellipse(x, y, 1.4 * radius, 0.34 * radius)), colour)
    wing = _polygon(c, x, y, radius, facing, [(0.25, 0.05), (-0.15, 0.75), (-0.6, 0.75), (-0.3, 0.05)])
    c.paint(c.cover(wing - _OUTLINE), np.array(colour) * 0.3)
    c.paint(c.cover(wing), np.array(colour) * 0.75)
    for place in (-0.5, -0.1, 0.3, 0.7):
        c.paint(c.cover(_disc(c, x, y, radius, facing, place, -0.08, 0.1)), (0.80, 0.93, 1.0))


def rocket(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A rocket with a flame."""
    c.paint(c.cover(c.ellipse(x, y + 1.1 * radius, 0.24 * radius, 0.5 * radius)), (1.0, 0.70, 0.15))
    fins = c.polygon(
        [(x, y - 0.2 * radius), (x + 0.8 * radius, y + 0.95 * radius), (x - 0.8 * radius, y + 0.95 * radius)]
    )
    c.paint(c.cover(fins - _OUTLINE), (0.25, 0.25, 0.28))
    c.paint(c.cover(fins), (0.55, 0.57, 0.62))
    _fill(c, c.ellipse(x, y - 0.1 * radius, 0.42 * radius, 1.15 * radius), colour)
    c.paint(c.cover(c.disc(x, y - 0.35 * radius, 0.2 * radius)), (0.80, 0.93, 1.0))


def butterfly(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A butterfly, seen from above."""
    for side in (-1, 1):
        upper = c.ellipse(x + side * 0.62 * radius, y - 0.4 * radius, 0.6 * radius, 0.62 * radius)
        lower = c.ellipse(x + side * 0.5 * radius, y + 0.5 * radius, 0.45 * radius, 0.5 * radius)
        _fill(c, np.minimum(upper, lower), colour)
        c.paint(c.cover(c.disc(x + side * 0.66 * radius, y - 0.42 * radius, 0.22 * radius)), WHITE)
    c.paint(c.cover(c.segment(x, y - 0.8 * radius, x, y + 0.8 * radius, 0.03)), (0.12, 0.10, 0.10))


def kite(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A kite with a tail."""
    c.paint(c.cover(c.segment(x, y + radius, x - 0.35 * radius, y + 1.9 * radius, 0.018)), (0.25, 0.22, 0.22))
    for along in (1.3, 1.7):
        c.paint(c.cover(c.disc(x - 0.38 * (along - 1) * radius, y + along * radius, 0.13 * radius)), (0.98, 0.96, 0.90))
    shape = c.polygon(
        [
            (x, y - 1.2 * radius),
            (x + 0.85 * radius, y - 0.2 * radius),
            (x, y + radius),
            (x - 0.85 * radius, y - 0.2 * radius),
        ]
    )
    _fill(c, shape, colour)
    bars = np.minimum(np.abs(c.x - x), np.abs(c.y - y + 0.2 * radius)) - 0.006
    c.paint(c.cover(np.maximum(shape, bars)), np.array(colour) * 0.35)


def duck(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """A swimming duck."""
    beak = _polygon(c, x, y, radius, facing, [(1.0, -0.75), (1.5, -0.55), (1.0, -0.4)])
    c.paint(c.cover(beak - 0.01), (1.0, 0.62, 0.10))
    tail = _polygon(c, x, y, radius, facing, [(-0.5, 0.3), (-1.35, -0.35), (-0.7, -0.1)])
    body = np.minimum(c.ellipse(x, y + 0.3 * radius, 1.05 * radius, 0.6 * radius), tail)
    _fill(c, np.minimum(body, _disc(c, x, y, radius, facing, 0.65, -0.6, 0.45)), colour)
    c.paint(c.cover(_disc(c, x, y, radius, facing, 0.78, -0.7, 0.12)), BLACK)


def umbrella(c: Canvas, x: Value, y: Value, radius: float, facing: int, colour: RGB) -> None:
    """An open umbrella."""
    c.paint(c.cover(c.segment(x, y - radius, x, y + 1.1 * radius, 0.022)), (0.25, 0.18, 0.12))
    c.paint(c.cover(c.segment(x, y + 1.1 * radius, x + 0.3 * radius, y + 1.0 * radius, 0.022)), (0.25, 0.18, 0.12))
    dome = np.maximum(c.disc(x, y, 1.15 * radius), c.y - y - 0.05 * radius)
    _fill(c, dome, colour)
    ribs = np.minimum(np.abs(c.x - x - 0.4 * radius), np.abs(c.x - x + 0.4 * radius)) - 0.006
    c.paint(c.cover(np.maximum(dome, ribs)), np.array(colour) * 0.45)


def _fill(c: Canvas, distance: ArrayLike, colour: RGB) -> None:
    c.paint(c.cover(np.asarray(distance) - _OUTLINE), np.array(colour) * 0.3)
    c.paint(c.cover(distance), colour)


def _disc(c: Canvas, x: Value, y: Value, radius: float, facing: int, dx: float, dy: float, size: float) -> np.ndarray:
    return c.disc(x + facing * dx * radius, y + dy * radius, size * radius)


def _polygon(
    c: Canvas, x: Value, y: Value, radius: float, facing: int, corners: list[tuple[float, float]]
) -> np.ndarray:
    """Return the distance to a polygon whose corners are in radii; they are clockwise if the object faces right."""
    placed = [(x + facing * dx * radius, y + dy * radius) for dx, dy in corners]
    return c.polygon(placed if facing > 0 else placed[::-1])


OBJECTS: dict[str, Callable[[Canvas, Value, Value, float, int, RGB], None]] = {
    painter.__name__: painter
    for painter in (
        balloon, ball, car, fish, bird, boat, star, leaf, plane, rocket, butterfly, kite, duck, umbrella
    )
}  # fmt: skip
"""Name -> function that paints the object around a centre x, y; `facing` is 1 for right and -1 for left."""

USUAL_BACKDROPS: dict[str, tuple[str, ...]] = {
    "balloon": ("day", "sunset"), "ball": ("day",), "car": ("day", "rain"), "fish": ("underwater",), "bird": ("day", "sunset"),
    "boat": ("sea",), "star": ("night",), "leaf": ("day", "sunset"), "plane": ("day", "night"), "rocket": ("night",),
    "butterfly": ("day",), "kite": ("day",), "duck": ("sea",), "umbrella": ("rain",),
}  # fmt: skip
"""Object -> backdrops where it is usually seen."""
