"""The scenes of the project's own generator, and their clips and captions for training."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons import lively, nature, things
from models.video.cartoons.canvas import RGB, Canvas, hex_colour
from models.video.cartoons.captions import LANGUAGES, PHRASES, caption

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
            nature.sunrise, nature.waves, nature.rain, nature.snow, nature.clouds, nature.stars, nature.flower, nature.fish,
            things.fireworks, things.ball, things.city, things.candle, things.soup, things.heart, things.music,
            lively.cat, lively.gears, lively.arcade, lively.book, lively.dress, lively.car, lively.balloon,
        )
    }  # fmt: skip
    coloured = {name for name, phrases in PHRASES.items() if any("{c}" in p for language in phrases for p in language)}
    return {name: Scene(name, painters[name], name in coloured) for name in PHRASES}


SCENES = _scenes()
SCENE_NAMES = tuple(SCENES)


@dataclass(frozen=True)
class Captions:
    """Captions with labels.

    Attributes:
        texts: N captions in both languages.
        scenes: (N,) int64, the index in SCENE_NAMES.
        colours: (N,) int64, the index in COLOUR_NAMES; len(COLOUR_NAMES) if the caption names none.
    """

    texts: list[str]
    scenes: NDArray[np.int64]
    colours: NDArray[np.int64]


@dataclass(frozen=True)
class Clips:
    """Rendered clips: frames (N, T, S, S, 3) uint8, and labels as in `Captions`."""

    frames: NDArray[np.uint8]
    scenes: NDArray[np.int64]
    colours: NDArray[np.int64]


def render(scene: str, colour: str | None, frames: int, size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return one clip of a scene, (frames, size, size, 3); `rng` draws its random details."""
    canvas = Canvas(frames, size)
    SCENES[scene].paint(canvas, rng, COLOURS[colour or COLOUR_NAMES[0]])
    return canvas.frames()


def render_clips(per_scene: int, frames: int, size: int, seed: int) -> Clips:
    """Return `per_scene` clips of every scene; coloured scenes take all colours in turn."""
    rng = np.random.default_rng(seed)
    clips, scenes, colours = [], [], []
    for index, scene in enumerate(SCENES.values()):
        for number in range(per_scene):
            colour = number % len(COLOUR_NAMES) if scene.coloured else len(COLOUR_NAMES)
            name = COLOUR_NAMES[colour] if scene.coloured else None
            clips.append(render(scene.name, name, frames, size, rng))
            scenes.append(index)
            colours.append(colour)
    return Clips(np.stack(clips), np.array(scenes, np.int64), np.array(colours, np.int64))


def write_captions(per_scene: int, seed: int) -> Captions:
    """Return `per_scene` captions of every scene, half in each language; 2/3 of those of coloured scenes name a colour."""
    rng = np.random.default_rng(seed)
    texts, scenes, colours = [], [], []
    for index, scene in enumerate(SCENES.values()):
        for number in range(per_scene):
            language = LANGUAGES[number % len(LANGUAGES)]
            colour = int(rng.integers(len(COLOUR_NAMES))) if scene.coloured and rng.random() < 2 / 3 else None
            texts.append(caption(scene.name, None if colour is None else COLOUR_NAMES[colour], language, rng))
            scenes.append(index)
            colours.append(len(COLOUR_NAMES) if colour is None else colour)
    return Captions(texts, np.array(scenes, np.int64), np.array(colours, np.int64))
