"""Scenes of animals, play and everyday life, one function each, which paints one clip. See `nature` for the design."""

import numpy as np

from models.video.cartoons.canvas import RGB, TAU, Canvas, hex_colour

WHITE: RGB = (1.0, 1.0, 1.0)
BLACK: RGB = (0.0, 0.0, 0.0)


def cat(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A cat's face turns from side to side and blinks."""
    phase, blink_at, sway = rng.uniform(-0.4, 0.4), rng.uniform(0.48, 0.56), rng.uniform(0.05, 0.08)
    c.gradient((0.72, 0.88, 0.86), (0.90, 0.95, 0.88))
    x, y = 0.5 + sway * np.sin(TAU * c.t + phase), 0.55
    fur, dark = np.array(colour), np.array(colour) * 0.70
    for side in (-1, 1):
        near, far = x + side * 0.08, x + side * 0.27
        tip = x + side * 0.25
        ear = [(tip, 0.16), (far, 0.46), (near, 0.32)] if side > 0 else [(tip, 0.16), (near, 0.32), (far, 0.46)]
        c.paint(c.cover(c.polygon(ear)), dark)
    c.paint(c.cover(c.ellipse(x, y, 0.30, 0.25)), fur)
    for stripe in (-0.07, 0.0, 0.07):
        c.paint(c.cover(c.segment(x + stripe, 0.32, x + stripe * 0.8, 0.41, 0.022)), dark)
    c.paint(c.cover(c.ellipse(x, 0.66, 0.13, 0.085)), fur * 0.4 + 0.6)
    opened = 1 - 0.9 * np.exp(-(((c.t - blink_at) / 0.07) ** 2))
    look = 0.02 * np.sin(TAU * c.t + phase)
    for side in (-1, 1):
        eye = x + side * 0.125
        c.paint(c.cover(c.ellipse(eye, 0.51, 0.058, 0.060 * opened)), (0.75, 0.92, 0.35))
        c.paint(c.cover(c.ellipse(eye + look, 0.51, 0.022, 0.052 * opened)), BLACK)
        for lift in (-0.03, 0.02):
            c.paint(
                c.cover(c.segment(x + side * 0.10, 0.655, x + side * 0.36, 0.655 + lift * 1.6, 0.010)),
                (0.25, 0.22, 0.22),
            )
    c.paint(c.cover(c.polygon([(x - 0.035, 0.605), (x + 0.035, 0.605), (x, 0.645)])), (0.95, 0.45, 0.50))
    c.paint(c.cover(c.segment(x, 0.64, x, 0.69, 0.012)), (0.35, 0.20, 0.20))


def gears(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """Two gears turn in mesh."""
    phase, speed = rng.uniform(-0.05, 0.05), rng.uniform(0.88, 0.92)
    c.gradient((0.05, 0.12, 0.17), (0.09, 0.20, 0.26))
    for line in range(4):
        c.paint(0.5 * c.cover(np.abs(c.y - 0.14 - 0.24 * line) - 0.005), (0.10, 0.42, 0.48))
        pulse = (c.t * speed + 0.27 * line + phase) % 1.0
        c.shine(np.exp(-((c.disc(pulse, 0.14 + 0.24 * line, 0.0) / 0.028) ** 2)), (0.20, 0.95, 0.95))
    for cx, cy, radius, teeth, way, metal in (
        (0.36, 0.42, 0.235, 10, 1.0, colour),
        (0.735, 0.665, 0.165, 7, -10 / 7, (0.72, 0.76, 0.80)),
    ):
        angle = np.arctan2(c.y - cy, c.x - cx) - way * (TAU * 0.2 * speed * c.t + phase)
        rim = radius + 0.032 * np.clip(3 * np.cos(teeth * angle), -1, 1)
        c.paint(c.cover(np.hypot(c.x - cx, c.y - cy) - rim), metal)
        ring = np.abs(c.disc(cx, cy, radius * 0.62)) - 0.012
        c.paint(c.cover(ring), np.array(metal) * 0.55)
        c.paint(
            c.cover(np.maximum(c.disc(cx, cy, radius * 0.62), np.abs(np.sin(angle * 1.5)) * radius * 0.5 - 0.03)),
            np.array(metal) * 0.6,
        )
        c.paint(c.cover(c.disc(cx, cy, radius * 0.24)), (0.05, 0.12, 0.17))


def arcade(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A yellow muncher eats dots in a maze, chased by a ghost."""
    start, row, bite = rng.uniform(0.30, 0.34), rng.uniform(0.48, 0.52), rng.uniform(2.97, 3.03)
    c.gradient((0.01, 0.01, 0.04), (0.01, 0.01, 0.04))
    for y in (row - 0.22, row + 0.22):
        c.paint(c.cover(np.abs(np.abs(c.y - y) - 0.022) - 0.007), (0.15, 0.25, 1.0))
    x = start + 0.62 * c.t
    for dot in range(8):
        left = 0.10 + 0.125 * dot
        c.paint(c.cover(c.disc(left, row, 0.024)) * (left > x), (1.0, 0.85, 0.70))
    mouth = 0.12 + 0.62 * np.abs(np.sin(np.pi * bite * c.t))
    angle = np.abs(np.arctan2(c.y - row, c.x - x))
    c.paint(c.cover(c.disc(x, row, 0.125)) * np.clip((angle - mouth) * 6, 0, 1), (1.0, 0.88, 0.05))
    ghost = x - 0.31
    wave = 0.018 * np.cos(TAU * 10 * (c.x - ghost) + TAU * 2 * c.t)
    body = np.minimum(
        c.disc(ghost, row - 0.02, 0.105), c.box(ghost - 0.105, row - 0.02, ghost + 0.105, row + 0.10 + wave)
    )
    c.paint(c.cover(body), colour)
    for side in (-0.035, 0.05):
        c.paint(c.cover(c.ellipse(ghost + side, row - 0.03, 0.030, 0.038)), WHITE)
        c.paint(c.cover(c.disc(ghost + side + 0.012, row - 0.03, 0.016)), (0.10, 0.20, 0.80))
    for pip in range(4):
        c.paint(c.cover(c.box(0.08 + 0.09 * pip, 0.08, 0.13 + 0.09 * pip, 0.12)), (0.9, 0.9, 0.9))


def book(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """The page of an open book turns under a lamp."""
    start, glow, tilt = rng.uniform(0.08, 0.16), rng.uniform(0.8, 1.1), rng.uniform(-0.03, 0.03)
    c.gradient((0.20, 0.27, 0.25), (0.30, 0.37, 0.33))
    c.paint(c.cover(c.below(0.66)), (0.55, 0.36, 0.22))
    c.shine(0.35 * glow * np.exp(-((c.disc(0.5, 0.40, 0.0) / 0.35) ** 2)), (1.0, 0.90, 0.60))
    top, bottom, middle = 0.34, 0.80, 0.5 + tilt
    c.paint(c.cover(c.box(middle - 0.39, top - 0.02, middle + 0.39, bottom + 0.03)), colour)
    c.paint(c.cover(c.box(middle - 0.36, top, middle + 0.36, bottom)), (0.99, 0.97, 0.90))
    for side in (-1, 1):
        for line in range(6):
            x0, x1 = sorted((middle + side * 0.06, middle + side * 0.31))
            y = top + 0.07 + 0.06 * line
            c.paint(0.55 * c.cover(c.box(x0, y, x1, y + 0.016)), (0.35, 0.35, 0.40))
    c.paint(0.5 * c.cover(np.abs(c.x - middle) - 0.008) * ((c.y > top) & (c.y < bottom)), (0.45, 0.38, 0.30))
    turned = np.clip((c.t - start) / 0.6, 0, 1)
    reach = 0.36 * np.cos(np.pi * turned)
    lift = 0.16 * np.sin(np.pi * turned)
    along = np.clip((c.x - middle) / np.where(np.abs(reach) < 0.01, 0.01, reach), -0.05, 1.05)
    on_page = (along >= 0) & (along <= 1) & (turned > 0) & (turned < 1)
    edge = np.maximum(top - lift * along - c.y, c.y - bottom + lift * 0.6 * along)
    c.paint(c.cover(edge) * on_page, (0.90, 0.87, 0.76))
    c.paint(c.cover(np.abs(c.x - middle - reach) - 0.010) * c.cover(edge) * on_page, (0.60, 0.54, 0.42))


def dress(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A dress sways on a catwalk while spotlights sweep."""
    phase, cx, swing = rng.uniform(-0.3, 0.3), rng.uniform(0.47, 0.53), rng.uniform(0.6, 1.2)
    c.gradient((0.10, 0.06, 0.16), (0.22, 0.14, 0.28))
    c.paint(c.cover(c.polygon([(0.36, 0.62), (0.64, 0.62), (0.92, 1.02), (0.08, 1.02)])), (0.62, 0.60, 0.68))
    for side in (-1, 1):
        foot = 0.5 + side * (0.12 + 0.16 * np.sin(TAU * c.t + phase))
        beam = np.abs(c.x - (0.5 - side * 0.40) - (foot - 0.5 + side * 0.40) * c.y) - 0.03 - 0.08 * c.y
        c.shine(0.30 * c.cover(beam, 4), (1.0, 0.95, 0.75))
    bob = 0.012 * np.sin(TAU * 2 * c.t + phase)
    x, fabric = cx + 0.02 * np.sin(TAU * c.t + phase), np.array(colour)
    skin, hair = hex_colour("f1c9a5"), hex_colour("2a1a14")
    c.paint(c.cover(c.disc(x, 0.15 + bob, 0.075)), hair)
    c.paint(c.cover(c.disc(x, 0.165 + bob, 0.055)), skin)
    c.paint(c.cover(c.box(x - 0.018, 0.20 + bob, x + 0.018, 0.28 + bob)), skin)
    for side in (-1, 1):
        hand = x + side * (0.17 + 0.02 * np.sin(TAU * c.t + phase))
        c.paint(c.cover(c.segment(x + side * 0.075, 0.29 + bob, hand, 0.52 + bob, 0.035)), skin)
        c.paint(
            c.cover(
                c.segment(
                    x + side * 0.05, 0.80, x + side * 0.05 + 0.02 * side * np.sin(TAU * 2 * c.t + phase), 0.94, 0.04
                )
            ),
            skin,
        )
    c.paint(c.cover(c.box(x - 0.085, 0.265 + bob, x + 0.085, 0.48 + bob)), fabric)
    down = np.clip((c.y - 0.46) / 0.36, 0, 1)
    hem = x + 0.06 * swing * down * np.sin(TAU * c.t + phase + 1.0)
    flare = 0.075 + 0.17 * down + 0.012 * np.sin(TAU * (5 * c.x + c.t)) * down
    skirt = np.maximum(
        np.abs(c.x - hem) - flare, np.maximum(0.46 + bob - c.y, c.y - 0.82 - 0.015 * np.sin(TAU * (4 * c.x + c.t)))
    )
    c.paint(c.cover(skirt), fabric)
    c.paint(0.35 * c.cover(np.maximum(skirt, np.cos(TAU * 6 * (c.x - hem) / (1 + down)) * 0.05 + 0.02)), BLACK)
    c.paint(c.cover(c.box(x - 0.088, 0.45 + bob, x + 0.088, 0.485 + bob)), fabric * 0.5)


def road_trip(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A car drives along a road past hills and trees."""
    phase, speed, x = rng.uniform(0, 0.02), rng.uniform(0.98, 1.02), rng.uniform(0.46, 0.54)
    c.gradient((0.50, 0.78, 0.98), (0.88, 0.95, 1.0))
    c.paint(c.cover(c.below(0.50 + 0.06 * np.sin(TAU * (0.9 * c.x + 0.35 * speed * c.t + phase)))), (0.50, 0.72, 0.42))
    for tree in range(3):
        left = (tree / 3 + phase - speed * c.t) % 1.0 * 1.5 - 0.25
        c.paint(c.cover(c.box(left - 0.015, 0.50, left + 0.015, 0.64)), (0.40, 0.27, 0.17))
        c.paint(c.cover(c.disc(left, 0.42, 0.095)), (0.16, 0.48, 0.22))
    c.paint(c.cover(c.below(0.62)), (0.42, 0.64, 0.32))
    c.paint(c.cover(c.below(0.68)), (0.30, 0.31, 0.34))
    dash = np.abs(((c.x + speed * 1.5 * c.t + phase) * 3) % 1.0 - 0.5) / 3 - 0.085
    c.paint(c.cover(np.maximum(dash, np.abs(c.y - 0.90) - 0.016)), (0.98, 0.95, 0.70))
    bob = 0.006 * np.sin(TAU * 3 * c.t + phase)
    cabin = c.polygon([(x - 0.13, 0.50 + bob), (x + 0.08, 0.50 + bob), (x + 0.17, 0.62 + bob), (x - 0.20, 0.62 + bob)])
    c.paint(c.cover(cabin), np.array(colour) * 0.85)
    for pane_left, pane_right in ((-0.125, -0.03), (-0.005, 0.10)):
        c.paint(
            c.cover(np.maximum(cabin + 0.022, c.box(x + pane_left - 0.03, 0.4, x + pane_right, 0.62 + bob))),
            (0.75, 0.90, 0.98),
        )
    c.paint(c.cover(c.box(x - 0.29, 0.61 + bob, x + 0.29, 0.75 + bob) - 0.01), colour)
    c.paint(c.cover(c.disc(x + 0.275, 0.66 + bob, 0.026)), (1.0, 0.95, 0.60))
    for wheel in (-0.16, 0.16):
        c.paint(c.cover(c.disc(x + wheel, 0.76, 0.078)), (0.08, 0.08, 0.09))
        c.paint(c.cover(c.disc(x + wheel, 0.76, 0.042)), (0.78, 0.80, 0.84))
        turn = TAU * 1.3 * speed * c.t
        spoke = np.abs((c.x - x - wheel) * np.sin(turn) - (c.y - 0.76) * np.cos(turn)) - 0.009
        c.paint(c.cover(np.maximum(spoke, c.disc(x + wheel, 0.76, 0.042))), (0.20, 0.20, 0.22))


def hot_air_balloon(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A hot-air balloon floats up over mountains."""
    cx, phase, climb = rng.uniform(0.44, 0.56), rng.uniform(-0.3, 0.3), rng.uniform(0.23, 0.29)
    c.gradient((0.45, 0.72, 0.98), (1.0, 0.90, 0.78))
    for base, shift, tint in ((0.66, 0.0, (0.56, 0.62, 0.78)), (0.78, 0.4, (0.36, 0.46, 0.60))):
        peaks = base + 0.16 * np.abs(((c.x * 2 + shift + 0.10 * c.t + phase / TAU) % 1.0) - 0.5)
        c.paint(c.cover(c.below(peaks)), tint)
    x, y = cx + 0.04 * np.sin(TAU * 0.7 * c.t + phase), 0.50 - climb * c.t
    for side in (-1, 1):
        c.paint(c.cover(c.segment(x + side * 0.12, y + 0.15, x + side * 0.045, y + 0.31, 0.010)), (0.30, 0.22, 0.18))
    envelope = np.minimum(
        c.disc(x, y, 0.215),
        c.polygon([(x - 0.19, y + 0.10), (x + 0.19, y + 0.10), (x + 0.06, y + 0.26), (x - 0.06, y + 0.26)]),
    )
    c.paint(c.cover(envelope), colour)
    bow = np.sqrt(np.clip(1 - ((c.y - y) / 0.27) ** 2, 0, 1))
    for stripe in (-0.12, 0.0, 0.12):
        c.paint(
            c.cover(np.maximum(envelope, np.abs(c.x - x - stripe * bow) - 0.026 * bow)), np.array([1.0, 0.97, 0.88])
        )
    c.paint(c.cover(c.box(x - 0.05, y + 0.31, x + 0.05, y + 0.375)), (0.48, 0.30, 0.16))
    flame = 0.5 + 0.5 * np.sin(TAU * 3 * c.t + phase)
    c.shine(flame * np.exp(-((c.disc(x, y + 0.275, 0.0) / 0.025) ** 2)), (1.0, 0.70, 0.20))
