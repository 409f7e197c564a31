"""The scenes of the project's own generators: whole pictures, in contrast to the moving objects of `compositions`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.video.cartoons import lively, nature, things
from models.video.cartoons.canvas import RGB, Canvas, hex_colour
from models.video.cartoons.captions import PHRASES

COLOURS: dict[str, RGB] = {
    "red": hex_colour("e23b3b"),
    "orange": hex_colour("f28c28"),
    "yellow": hex_colour("f5d328"),
    "green": hex_colour("3fa34d"),
    "blue": hex_colour("2f6fe0"),
    "purple": hex_colour("8a4fd0"),
    "pink": hex_colour("f27fb2"),
    "white": hex_colour("f4f4f4"),
}
COLOUR_NAMES = tuple(COLOURS)


@dataclass(frozen=True)
class Scene:
    """A subject of clips."""

    name: str
    paint: Callable[[Canvas, np.random.Generator, RGB], None]
    coloured: bool
    """True if the main object has the colour that the caption names."""


def _scenes() -> dict[str, Scene]:
    painters = {
        painter.__name__: painter
        for painter in (
            nature.sunrise, nature.waves, nature.rain, nature.snow, nature.clouds, nature.stars, nature.flower, nature.aquarium,
            things.fireworks, things.bouncing_ball, things.city, things.candle, things.soup, things.heart, things.music,
            lively.cat, lively.gears, lively.arcade, lively.book, lively.dress, lively.road_trip, lively.hot_air_balloon,
        )
    }  # fmt: skip
    coloured = {name for name, phrases in PHRASES.items() if any("{c}" in p for language in phrases for p in language)}
    return {name: Scene(name, painters[name], name in coloured) for name in PHRASES}


SCENES = _scenes()
SCENE_NAMES = tuple(SCENES)
