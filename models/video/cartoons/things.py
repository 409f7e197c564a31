"""Scenes of things and places, one function each, which paints one clip. See `nature` for the design."""

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.canvas import RGB, TAU, Canvas, hex_colour

WHITE: RGB = (1.0, 1.0, 1.0)
BLACK: RGB = (0.0, 0.0, 0.0)


def fireworks(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A rocket climbs over a town and bursts, then another."""
    cx, cy, twist, early = (
        rng.uniform(0.33, 0.37),
        rng.uniform(0.33, 0.37),
        rng.uniform(-0.08, 0.08),
        rng.uniform(0.0, 0.02),
    )
    c.gradient((0.02, 0.02, 0.09), (0.10, 0.07, 0.22))
    bursts = ((cx, cy, 0.15 - early, colour), (1.02 - cx, cy - 0.06, 0.45 - early, hex_colour("ffe08a")))
    for x, y, start, light in bursts:
        climb = np.clip(c.t / start, 0, 1)
        spark = c.segment(x, 0.9 - (0.9 - y) * climb, x, 0.98 - (0.9 - y) * climb, 0.02)
        c.shine(c.cover(spark, 1.5) * (c.t < start), (1.0, 0.85, 0.5))
        age = np.clip((c.t - start) / 0.55, 0, 1)
        spread, fade = 1 - np.exp(-3.2 * age), (age > 0) * (1 - age**2)
        c.shine(0.6 * fade * np.exp(-((c.disc(x, y, 0.0) / 0.20) ** 2)), light)
        fall = 0.10 * age**2
        distance, angle = c.disc(x, y + fall, 0.0), np.arctan2(c.y - y - fall, c.x - x) - twist
        for ring, rays in ((0.26, 12), (0.14, 8)):
            folded = (angle + np.pi / rays) % (TAU / rays) - np.pi / rays
            along, off = distance * np.cos(folded), distance * np.sin(folded)
            beyond = np.maximum(0.72 * ring * spread - along, along - ring * spread)
            streak = np.hypot(np.maximum(beyond, 0), off) - 0.012
            c.paint(c.cover(streak, 1.5) * fade, light)
    for left, right, top in (
        (0.0, 0.18, 0.86),
        (0.18, 0.34, 0.92),
        (0.34, 0.5, 0.88),
        (0.5, 0.72, 0.93),
        (0.72, 1.0, 0.87),
    ):
        c.paint(c.cover(c.box(left, top, right, 1.1)), (0.03, 0.03, 0.06))


def bouncing_ball(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A ball bounces across a wooden floor."""
    start, speed, hops, height = (
        rng.uniform(0.17, 0.19),
        rng.uniform(0.545, 0.555),
        rng.uniform(2.07, 2.08),
        rng.uniform(0.44, 0.48),
    )
    c.gradient((0.88, 0.92, 0.97), (0.98, 0.98, 1.0))
    c.paint(c.cover(c.below(0.78)), (0.76, 0.58, 0.38))
    c.paint(c.cover(np.abs(c.y - 0.78) - 0.008), (0.60, 0.43, 0.27))
    x, lift = start + speed * c.t, np.abs(np.sin(np.pi * hops * c.t + np.pi * 0.5)) * height
    c.paint(0.45 * c.cover(c.ellipse(x, 0.90, 0.12 * (1 - 0.5 * lift / height), 0.028), 3), BLACK)
    y = 0.79 - lift
    c.paint(c.cover(c.disc(x, y, 0.115)), colour)
    spin = TAU * c.t * 1.0
    c.paint(
        c.cover(np.maximum(c.disc(x, y, 0.115), np.abs((c.x - x) * np.sin(spin) - (c.y - y) * np.cos(spin)) - 0.014)),
        np.array(colour) * 0.45,
    )
    c.shine(0.55 * np.exp(-((c.disc(x - 0.04, y - 0.045, 0.0) / 0.035) ** 2)), WHITE)


_TOWERS = (
    (0.02, 0.15, 0.50),
    (0.16, 0.27, 0.34),
    (0.29, 0.42, 0.58),
    (0.44, 0.56, 0.24),
    (0.58, 0.70, 0.46),
    (0.72, 0.83, 0.36),
    (0.85, 0.98, 0.55),
)


def _windows() -> NDArray[np.float32]:
    """Return centre x, y of every window and the phase of its light: (K, 3)."""
    rng = np.random.default_rng(21)
    return np.array(
        [
            (left + (right - left) * (column + 0.5) / 3, row, rng.uniform(0, TAU))
            for left, right, top in _TOWERS
            for row in np.arange(top + 0.04, 0.85, 0.055)
            for column in range(3)
        ],
        np.float32,
    )


_WINDOWS = _windows()


def city(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A skyline at night: windows go on and off, cars pass below, the moon is above."""
    phase, moon, traffic = rng.uniform(-0.3, 0.3), rng.uniform(0.45, 0.55), rng.uniform(0, 0.02)
    c.gradient((0.03, 0.04, 0.16), (0.20, 0.12, 0.34))
    c.paint(c.cover(c.disc(moon, 0.12, 0.065)), (0.98, 0.95, 0.80))
    for left, right, top in _TOWERS:
        c.paint(c.cover(c.box(left, top, right, 0.88)), (0.07, 0.08, 0.14))
    left, row, beat = _WINDOWS.T
    lit = np.clip(0.5 + 3 * np.sin(TAU * c.t[:, :, 0] + phase + beat), 0, 1)
    wide = c.cover(np.abs(c.x[0] - left[:, None]) - 0.012)
    tall = c.cover(np.abs(c.x[0] - row[:, None]) - 0.013)
    c.paint(np.einsum("tk,ky,kx->tyx", lit, tall, wide, optimize=True), (1.0, 0.83, 0.40))
    c.paint(c.cover(c.below(0.88)), (0.12, 0.12, 0.15))
    for car in range(4):
        x = (car / 4 + traffic + 0.75 * c.t) % 1.0 * 1.2 - 0.1
        c.shine(np.exp(-((c.disc(x, 0.915, 0.0) / 0.03) ** 2)), (1.0, 1.0, 0.80))
        c.shine(np.exp(-((c.disc(1 - x, 0.965, 0.0) / 0.03) ** 2)), (1.0, 0.15, 0.10))


def candle(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A candle flame flickers in the dark."""
    phase, cx, pace = rng.uniform(-0.3, 0.3), rng.uniform(0.46, 0.54), rng.uniform(1.95, 2.05)
    c.gradient((0.05, 0.03, 0.03), (0.14, 0.08, 0.05))
    flicker = 1 + 0.12 * np.sin(TAU * pace * 1.7 * c.t + 2 * phase)
    lean = 0.035 * np.sin(TAU * pace * c.t + phase)
    c.shine(0.75 * flicker * np.exp(-((c.disc(cx, 0.40, 0.0) / 0.30) ** 2)), (0.95, 0.50, 0.15))
    c.paint(c.cover(c.box(cx - 0.085, 0.58, cx + 0.085, 0.92)), colour)
    c.paint(c.cover(c.box(cx + 0.03, 0.58, cx + 0.085, 0.92)) * 0.3, BLACK)
    c.paint(c.cover(c.ellipse(cx, 0.58, 0.085, 0.022)), np.minimum(np.array(colour) * 1.25 + 0.1, 1))
    c.paint(c.cover(c.ellipse(cx, 0.92, 0.18, 0.035)), (0.55, 0.42, 0.22))
    c.paint(c.cover(c.segment(cx, 0.52, cx, 0.58, 0.016)), (0.10, 0.08, 0.08))
    for size, light in ((1.0, (1.0, 0.55, 0.10)), (0.72, (1.0, 0.85, 0.30)), (0.42, (1.0, 0.98, 0.85))):
        tall = 0.30 * size * flicker
        up = np.clip((0.545 - c.y) / tall, 0, 1)
        half = 0.075 * size * np.sqrt(np.clip(up, 0, 1)) * (1 - up) * 2.4
        c.paint(c.cover(np.abs(c.x - cx - lean * up * 2.2) - half) * ((c.y < 0.545) & (up < 1)), light)


def soup(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """Steam curls up from a bowl of noodles with chopsticks."""
    phase, cx, speed = rng.uniform(-0.3, 0.3), rng.uniform(0.47, 0.53), rng.uniform(0.95, 1.05)
    c.gradient((0.30, 0.17, 0.12), (0.50, 0.30, 0.18))
    c.paint(c.cover(c.below(0.76)), (0.62, 0.40, 0.22))
    bowl = np.maximum(c.ellipse(cx, 0.56, 0.32, 0.32), 0.56 - c.y)
    c.paint(c.cover(c.box(cx - 0.12, 0.84, cx + 0.12, 0.90)), np.array(colour) * 0.7)
    c.paint(c.cover(bowl), colour)
    c.paint(c.cover(np.maximum(bowl, np.abs(c.y - 0.68) - 0.018)), np.array(colour) * 0.4 + 0.6)
    c.paint(c.cover(c.ellipse(cx, 0.56, 0.32, 0.085)), np.array(colour) * 0.55)
    c.paint(c.cover(c.ellipse(cx, 0.565, 0.285, 0.068)), (0.93, 0.70, 0.28))
    for strand in range(4):
        y = 0.535 + 0.02 * strand + 0.008 * np.sin(TAU * 4 * c.x + strand)
        c.paint(c.cover(np.maximum(np.abs(c.y - y) - 0.006, np.abs(c.x - cx) - 0.21)), (1.0, 0.90, 0.60))
    c.paint(c.cover(c.ellipse(cx - 0.12, 0.55, 0.05, 0.025)), (0.28, 0.62, 0.22))
    c.paint(c.cover(c.ellipse(cx + 0.11, 0.57, 0.055, 0.028)), (0.98, 0.98, 0.95))
    c.paint(c.cover(c.disc(cx + 0.11, 0.57, 0.02)), (1.0, 0.65, 0.10))
    for shift in (0.0, 0.045):
        c.paint(c.cover(c.segment(cx + 0.10 + shift, 0.55, cx + 0.40 + shift, 0.28, 0.02)), (0.80, 0.22, 0.16))
    for wisp, dx in enumerate((-0.16, 0.0, 0.13)):
        rise = (0.52 - c.y) / 0.45
        swing = (
            cx
            + dx
            + 0.045 * np.sin(TAU * (1.4 * rise - speed * c.t * 2) + phase + 1.9 * wisp) * np.clip(rise + 0.3, 0, 1.2)
        )
        strength = np.clip(rise * 5, 0, 1) * np.clip(1.15 - rise, 0, 1)
        c.paint(0.75 * strength * np.exp(-(((c.x - swing) / 0.035) ** 2)), WHITE)


def heart(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """A heart beats above the moving line of a cardiogram."""
    beats, phase = rng.uniform(2.0, 2.05), rng.uniform(0, 0.03)
    c.gradient((0.99, 0.93, 0.94), (1.0, 0.98, 0.98))
    beat = (beats * c.t + phase) % 1.0
    scale = 0.205 * (1 + 0.20 * np.exp(-(((beat - 0.25) / 0.10) ** 2)) + 0.10 * np.exp(-(((beat - 0.55) / 0.10) ** 2)))
    u, v = (c.x - 0.5) / scale, -(c.y - 0.40) / scale
    shape = (u * u + v * v - 1) ** 3 - u * u * v**3
    inside = np.clip(0.5 - shape * 9.0, 0, 1)
    c.paint(inside, colour)
    c.shine(0.35 * inside * np.exp(-((c.disc(0.5 - 0.45 * scale, 0.40 - 0.45 * scale, 0.0) / 0.06) ** 2)), WHITE)
    along = (2.0 * c.x - beats * c.t - phase) % 1.0
    trace = 0.84 - 0.11 * np.exp(-(((along - 0.5) / 0.035) ** 2)) + 0.05 * np.exp(-(((along - 0.6) / 0.035) ** 2))
    c.paint(c.cover((np.abs(c.y - trace) - 0.012) / 1.6), (0.16, 0.62, 0.42))


def music(c: Canvas, rng: np.random.Generator, colour: RGB) -> None:
    """The bars of an equaliser dance to music."""
    phase, tempo, hue = rng.uniform(-0.4, 0.4), rng.uniform(1.97, 2.03), rng.uniform(0, 1)
    c.gradient((0.04, 0.03, 0.12), (0.12, 0.05, 0.22))
    for bar in range(8):
        x = 0.06 + 0.115 * bar
        level = (
            0.40
            + 0.22 * np.sin(TAU * tempo * c.t + phase + 1.7 * bar)
            + 0.12 * np.sin(TAU * 2 * tempo * c.t + 2.9 * bar)
        )
        share = bar / 7
        light = np.array([0.10 + 0.9 * share, 0.85 - 0.5 * share, 0.95 - 0.3 * hue])
        c.paint(c.cover(c.box(x, 0.86 - level * 0.9, x + 0.085, 0.86)), light)
        c.paint(c.cover(c.box(x, 0.88, x + 0.085, 0.88 + level * 0.16)) * 0.35, light)
    bob = 0.02 * np.sin(TAU * tempo * c.t + phase)
    for x in (0.70, 0.84):
        c.paint(c.cover(c.ellipse(x, 0.30 + bob, 0.045, 0.034)), WHITE)
        c.paint(c.cover(c.box(x + 0.03, 0.12 + bob, x + 0.046, 0.30 + bob)), WHITE)
    c.paint(c.cover(c.box(0.73, 0.10 + bob, 0.886, 0.145 + bob)), WHITE)
