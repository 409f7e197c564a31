"""Scenes of nature, one function each, which paints one clip on a canvas.

Clips of a scene differ in a few random numbers (position, speed, phase, tint). The positions of small parts (drops, flakes,
stars) come from a fixed seed and are the same in all clips. So the variation is low-dimensional, and a small variational model
can learn it in a minute or two.
"""

import numpy as np

from models.video.cartoons.canvas import RGB, TAU, Canvas, hex_colour

WHITE: RGB = (1.0, 1.0, 1.0)


def sunrise(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """The sun comes up behind hills while the sky turns from night to day."""
    cx, phase, speed = rng.uniform(0.4, 0.6), rng.uniform(-0.3, 0.3), rng.uniform(0.85, 1.15)
    light = np.clip(c.t * speed, 0, 1)[..., None]
    c.gradient(
        (1 - light) * np.array([0.08, 0.07, 0.25]) + light * np.array([0.40, 0.62, 0.92]),
        (1 - light) * np.array([0.55, 0.20, 0.25]) + light * np.array([1.00, 0.78, 0.45]),
    )
    cy = 0.86 - 0.62 * c.t * speed
    c.shine(0.55 * np.exp(-((c.disc(cx, cy, 0.0) / 0.26) ** 2)), (1.0, 0.62, 0.20))
    c.paint(c.cover(c.disc(cx, cy, 0.13)), (1.0, 0.93, 0.55))
    far = 0.70 + 0.05 * np.sin(TAU * 1.1 * c.x + phase)
    near = 0.82 + 0.04 * np.sin(TAU * 1.7 * c.x + 2 * phase)
    c.paint(c.cover(c.below(far)), (1 - light) * np.array([0.13, 0.08, 0.22]) + light * np.array([0.24, 0.36, 0.34]))
    c.paint(c.cover(c.below(near)), (1 - light) * np.array([0.06, 0.04, 0.12]) + light * np.array([0.12, 0.26, 0.14]))


def waves(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """Rows of waves roll over the sea towards the beach."""
    phase, speed, height, dusk = (
        rng.uniform(-0.3, 0.3),
        rng.uniform(0.98, 1.02),
        rng.uniform(0.7, 1.2),
        rng.uniform(0, 1),
    )
    c.gradient(
        (1 - dusk) * np.array([0.45, 0.75, 0.98]) + dusk * np.array([0.95, 0.60, 0.45]),
        (1 - dusk) * np.array([0.90, 0.97, 1.00]) + dusk * np.array([1.00, 0.85, 0.60]),
    )
    for row in range(5):
        near = row / 4
        wavenumber = 2.6 - 1.4 * near
        swing = np.sin(TAU * (wavenumber * c.x - speed * c.t * (1 + 0.3 * row)) + phase + 2.1 * row)
        crest = 0.36 + 0.13 * row + height * (0.015 + 0.028 * near) * swing
        c.paint(c.cover(c.below(crest)), (0.95, 0.99, 1.0))
        c.paint(
            c.cover(c.below(crest + 0.018 + 0.012 * near)), (0.05 + 0.05 * near, 0.50 - 0.22 * near, 0.78 - 0.18 * near)
        )
    shore = 0.93 - 0.03 * np.sin(TAU * (speed * c.t + 0.35 * c.x) + phase)
    c.paint(c.cover(c.below(shore - 0.02)), (0.97, 1.0, 1.0))
    c.paint(c.cover(c.below(shore)), (0.93, 0.82, 0.58))


_DROPS = np.random.default_rng(11).uniform(size=(26, 2)).astype(np.float32)


def rain(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """Slanting rain falls from dark clouds on an umbrella and puddles."""
    phase, slant, cx, sway = (
        rng.uniform(0, 0.01),
        rng.uniform(0.055, 0.065),
        rng.uniform(0.44, 0.56),
        rng.uniform(-0.3, 0.3),
    )
    c.gradient((0.25, 0.29, 0.36), (0.46, 0.52, 0.58))
    for x0, r in ((0.05, 0.16), (0.30, 0.20), (0.58, 0.18), (0.85, 0.21)):
        c.paint(c.cover(c.ellipse(x0 + 0.02 * np.sin(TAU * c.t + sway), 0.03, r, 0.6 * r), 2), (0.16, 0.18, 0.23))
    c.paint(c.cover(c.below(0.87)), (0.28, 0.34, 0.40))
    for x0, delay in ((0.14, 0.0), (0.80, 0.35), (0.50, 0.7)):
        age = (c.t * 2 + delay + phase) % 1.0
        ring = np.abs(c.ellipse(x0, 0.935, 0.02 + 0.12 * age, 0.008 + 0.035 * age)) - 0.006
        c.paint(c.cover(ring) * (1 - age), (0.80, 0.90, 1.0))
    top = cx + 0.03 * np.sin(TAU * c.t + sway)
    c.paint(c.cover(c.segment(top, 0.45, top, 0.82, 0.022)), (0.10, 0.10, 0.12))
    dome = np.maximum(c.ellipse(top, 0.58, 0.24, 0.22), c.y - 0.58)
    c.paint(c.cover(dome), colour)
    for rib in (-0.5, 0.0, 0.5):
        c.paint(
            c.cover(np.maximum(dome, np.abs(c.x - top - rib * 0.24 * (c.y - 0.36) / 0.22) - 0.006)) * 0.35, (0, 0, 0)
        )
    head = (_DROPS[:, 1] + phase + 2.0 * c.t[:, :, 0]) % 1.0 * 1.2 - 0.05
    down = c.cover(np.abs(c.x - head[..., None]) - 0.045)
    across = c.cover(np.abs(c.x + slant * c.y - _DROPS[:, 0][:, None, None]) - 0.008)
    c.paint(0.75 * np.clip(np.einsum("tky,kyx->tyx", down, across), 0, 1), (0.80, 0.90, 1.0))


_FLAKES = np.random.default_rng(12).uniform(size=(30, 3)).astype(np.float32)


def snow(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """Snowflakes drift down on pine trees and white ground."""
    phase, wind, offset = rng.uniform(0, 0.015), rng.uniform(-0.3, 0.3), rng.uniform(-0.03, 0.03)
    c.gradient((0.22, 0.30, 0.50), (0.62, 0.72, 0.86))
    c.paint(c.cover(c.below(0.78 + 0.03 * np.sin(TAU * c.x + wind))), (0.94, 0.96, 1.0))
    for cx, scale in ((0.22, 1.0), (0.55, 0.75), (0.82, 1.15)):
        x, base = cx + offset, 0.84
        c.paint(c.cover(c.box(x - 0.018, base - 0.02, x + 0.018, base + 0.05)), (0.33, 0.22, 0.16))
        for tier in range(3):
            y, half = base - 0.11 * tier * scale, (0.15 - 0.035 * tier) * scale
            c.paint(c.cover(c.polygon([(x, y - 0.17 * scale), (x + half, y), (x - half, y)])), (0.10, 0.34, 0.26))
            c.paint(
                c.cover(
                    c.polygon(
                        [(x, y - 0.17 * scale), (x + half * 0.4, y - 0.10 * scale), (x - half * 0.4, y - 0.10 * scale)]
                    )
                ),
                (0.93, 0.96, 1.0),
            )
    x0, y0, r = _FLAKES.T
    t = c.t[:, :, 0]
    x, y = x0 + 0.04 * np.sin(TAU * (t + r) + wind), (y0 + phase + 0.5 * t * np.where(r < 0.5, 1, 2)) % 1.0
    c.paint(c.dots(x, y, 0.016 + 0.012 * r), WHITE)


def clouds(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """White clouds drift over a meadow in a blue sky."""
    phase, speed, altitude = rng.uniform(0, 0.08), rng.uniform(0.33, 0.37), rng.uniform(-0.05, 0.05)
    c.gradient((0.20, 0.52, 0.95), (0.68, 0.87, 1.0))
    for x0, y0, r, pace in ((0.1, 0.20, 0.10, 1.0), (0.6, 0.40, 0.13, 1.4), (0.95, 0.14, 0.08, 0.8)):
        x = (x0 + phase + speed * pace * c.t) % 1.4 - 0.2
        y = y0 + altitude
        puffs = [(-1.2, 0.25, 0.7), (-0.4, -0.25, 0.95), (0.5, -0.05, 0.85), (1.2, 0.3, 0.6)]
        shape = np.minimum.reduce([c.disc(x + dx * r, y + dy * r, scale * r) for dx, dy, scale in puffs])
        c.paint(c.cover(np.maximum(shape, c.y - y - 0.55 * r), 2), WHITE)
    c.paint(c.cover(c.below(0.80 + 0.05 * np.sin(TAU * 0.8 * c.x + TAU * altitude * 8))), (0.32, 0.68, 0.28))


_STARS = np.random.default_rng(13).uniform(size=(60, 3)).astype(np.float32)


def stars(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """Stars turn around the pole above dark mountains, and a shooting star falls."""
    turn, start, ridge = rng.uniform(-0.04, 0.04), rng.uniform(0.28, 0.32), rng.uniform(-0.4, 0.4)
    c.gradient((0.02, 0.02, 0.10), (0.14, 0.10, 0.34))
    radius, angle, size = _STARS.T
    theta, distance = TAU * angle + turn + 0.5 * c.t[:, :, 0], 0.06 + 0.80 * np.sqrt(radius)
    x, y = 0.5 + distance * np.cos(theta), 0.40 + distance * np.sin(theta)
    c.shine(c.dots(x, y, 0.014 + 0.012 * size), (1.0, 0.98, 0.85))
    age = np.clip((c.t - start) / 0.4, 0, 1)
    head = 0.12 + 0.75 * age
    trail = c.segment(head - 0.16, 0.40 - 0.30 * age + 0.0, head, 0.36 - 0.30 * age + 0.08, 0.018)
    c.shine(c.cover(trail, 1.5) * ((age > 0) & (age < 1)), WHITE)
    peaks = 0.80 - 0.10 * np.abs(np.sin(TAU * 0.75 * c.x + ridge)) - 0.03 * np.abs(np.sin(TAU * 2.1 * c.x + ridge))
    c.paint(c.cover(c.below(peaks)), (0.02, 0.02, 0.05))


def flower(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A flower opens its petals in the sun, swaying."""
    cx, phase, late = rng.uniform(0.44, 0.56), rng.uniform(-0.3, 0.3), rng.uniform(0.0, 0.15)
    c.gradient((0.62, 0.86, 1.0), (0.90, 0.97, 0.90))
    c.paint(c.cover(c.below(0.86)), (0.38, 0.66, 0.28))
    opened = np.clip((c.t - late) / 0.6, 0, 1)
    grown = 0.30 + 0.70 * opened * opened * (3 - 2 * opened)
    x, y = cx + 0.03 * np.sin(TAU * c.t + phase), 0.42
    c.paint(c.cover(c.segment(cx, 0.90, x, y, 0.035)), (0.20, 0.52, 0.20))
    c.paint(c.cover(c.ellipse(cx - 0.09, 0.73, 0.09, 0.035)), (0.22, 0.58, 0.22))
    c.paint(c.cover(c.ellipse(cx + 0.09, 0.67, 0.09, 0.035)), (0.22, 0.58, 0.22))
    for petal in range(7):
        angle = TAU * petal / 7 + 0.15 * np.sin(TAU * c.t + phase)
        reach = 0.155 * grown
        shade = 1.0 if petal % 2 else 0.86
        c.paint(
            c.cover(c.disc(x + reach * np.cos(angle), y + reach * np.sin(angle), 0.105 * grown)),
            np.array(colour) * shade,
        )
    c.paint(c.cover(c.disc(x, y, 0.045 + 0.045 * grown)), hex_colour("f5b301"))


_BUBBLES = np.random.default_rng(14).uniform(size=(7, 2)).astype(np.float32)


def aquarium(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A fish swims through water with bubbles and swaying weeds."""
    start, speed, depth, phase = (
        rng.uniform(0.02, 0.08),
        rng.uniform(0.73, 0.77),
        rng.uniform(0.40, 0.48),
        rng.uniform(-0.2, 0.2),
    )
    c.gradient((0.20, 0.66, 0.86), (0.03, 0.24, 0.50))
    c.paint(c.cover(c.below(0.92)), (0.80, 0.72, 0.48))
    for base in (0.12, 0.30, 0.78, 0.90):
        bend = base + 0.035 * np.sin(TAU * (c.t + 1.2 * c.y) + phase + 9 * base) * (0.95 - c.y) * 3
        c.paint(c.cover(np.maximum(np.abs(c.x - bend) - 0.016, 0.58 + 0.2 * base - c.y)), (0.10, 0.52, 0.30))
    x, y = start + speed * c.t, depth + 0.04 * np.sin(TAU * c.t + phase)
    flap = 0.07 * np.sin(TAU * 3 * c.t + phase)
    tail = c.polygon([(x - 0.11, y), (x - 0.25, y + 0.10 + flap), (x - 0.25, y - 0.10 + flap)])
    c.paint(c.cover(tail), np.array(colour) * 0.80)
    c.paint(c.cover(c.ellipse(x, y, 0.165, 0.10)), colour)
    c.paint(c.cover(c.ellipse(x - 0.02, y + 0.03, 0.05, 0.025)), np.array(colour) * 0.75)
    c.paint(c.cover(c.disc(x + 0.10, y - 0.025, 0.028)), WHITE)
    c.paint(c.cover(c.disc(x + 0.105, y - 0.025, 0.014)), (0.0, 0.0, 0.0))
    for x0, y0 in _BUBBLES:
        rise = (y0 - 0.8 * c.t + 0.1 * phase) % 1.0
        ring = np.abs(c.disc(0.15 + 0.75 * x0 + 0.01 * np.sin(TAU * rise * 2), rise, 0.022)) - 0.006
        c.paint(0.8 * c.cover(ring), (0.85, 0.96, 1.0))
