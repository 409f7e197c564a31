"""Clips with captions, the training data of generators, text encoders and judges."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.canvas import Canvas
from models.video.cartoons.captions import LANGUAGES, caption
from models.video.cartoons.compositions import paint
from models.video.cartoons.descriptions import Description, compositions
from models.video.cartoons.scenes import COLOUR_NAMES, COLOURS, SCENES
from models.video.cartoons.sentences import sentence

_OMITTED = ("colour", "count", "direction", *["nothing"] * 9)


@dataclass(frozen=True)
class Clips:
    """Rendered clips.

    Attributes:
        frames: (N, T, S, S, 3) uint8.
        descriptions: what each clip shows.
        motion: (N, 2) float32, how far the objects move to the right and downwards in the whole length of a clip, as a fraction
            of the frame; 0 for scenes.
    """

    frames: NDArray[np.uint8]
    descriptions: list[Description]
    motion: NDArray[np.float32]


def render(
    description: Description, frames: int, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """Return one clip, (frames, size, size, 3), and its motion; `rng` draws its random details."""
    canvas = Canvas(frames, size)
    motion = (0.0, 0.0)
    if description.is_scene:
        SCENES[description.subject].paint(canvas, rng, COLOURS[description.colour or COLOUR_NAMES[0]])
    else:
        motion = paint(canvas, rng, description)
    return canvas.frames(), motion


def render_clips(descriptions: list[Description], frames: int, size: int, seed: int) -> Clips:
    """Return a clip of each description."""
    rng = np.random.default_rng(seed)
    clips, motions = zip(*[render(d, frames, size, rng) for d in descriptions], strict=True)
    return Clips(np.stack(clips), descriptions, np.array(motions, np.float32))


def training_descriptions(per_scene: int, composed: int, seed: int) -> list[Description]:
    """Return descriptions to train on: `per_scene` of every scene, in all colours in turn, and `composed` of objects.

    No description is held out. Those of objects are distinct, unless more are asked for than there are.
    """
    scenes = [
        Description(scene.name, COLOUR_NAMES[number % len(COLOUR_NAMES)] if scene.coloured else None)
        for scene in SCENES.values()
        for number in range(per_scene)
    ]
    allowed = [description for description in compositions() if not description.is_held_out]
    order = np.random.default_rng(seed).permutation(len(allowed))
    return scenes + [allowed[order[number % len(allowed)]] for number in range(composed)]


def partial(description: Description, rng: np.random.Generator) -> Description:
    """Return the description with some attributes left out at random, as people do who describe a clip."""
    if description.is_scene:
        return description if rng.random() < 0.8 else replace(description, colour=None)
    omitted: dict[str, Any] = {_OMITTED[int(rng.integers(len(_OMITTED)))]: None}
    omitted |= {name: None for name in ("speed", "backdrop") if rng.random() < 0.15}
    omitted.pop("nothing", None)
    return replace(description, **omitted)


def write_caption(description: Description, language: str, rng: np.random.Generator) -> str:
    """Return a random caption that says all that the description says."""
    if description.is_scene:
        return caption(description.subject, description.colour, language, rng)
    return sentence(description, language, rng)


def write_captions(descriptions: list[Description], seed: int) -> list[str]:
    """Return a caption of each description, in both languages in turn."""
    rng = np.random.default_rng(seed)
    return [write_caption(d, LANGUAGES[number % len(LANGUAGES)], rng) for number, d in enumerate(descriptions)]
