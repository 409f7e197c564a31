"""Clips with captions, the training data of generators, text encoders and judges."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.backdrops import BACKDROPS
from models.video.cartoons.canvas import Canvas
from models.video.cartoons.captions import LANGUAGES, caption, pick
from models.video.cartoons.compositions import draw_layout, paint
from models.video.cartoons.descriptions import ATTRIBUTES, MOST_OBJECTS, Description, compositions
from models.video.cartoons.objects import USUAL_BACKDROPS
from models.video.cartoons.other_captions import beside_something, other_caption
from models.video.cartoons.scenes import COLOUR_NAMES, COLOURS, SCENES
from models.video.cartoons.sentences import NAMED_ALONE, sentence

_OTHERS = 0.15  # share of the captions that are of something unknown
_KNOWN_BESIDE = 0.4  # share of these that are of something known too
_OMITTED = {"colour": 0.2, "count": 0.4, "direction": 0.2, "speed": 0.4, "backdrop": 0.4}
"""Attribute of objects -> share of the captions that leave it out."""


@dataclass(frozen=True)
class Clips:
    """Rendered clips.

    Attributes:
        frames: (N, T, S, S, 3) uint8.
        descriptions: what each clip shows.
        layouts: (N, 3, 4) float32, where the objects move, see `compositions.draw_layout`; NaN for missing objects.
    """

    frames: NDArray[np.uint8]
    descriptions: list[Description]
    layouts: NDArray[np.float32]

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Clips":
        """Return the chosen clips."""
        descriptions = [d for d, is_chosen in zip(self.descriptions, chosen, strict=True) if is_chosen]
        return Clips(self.frames[chosen], descriptions, self.layouts[chosen])


def render(
    description: Description, frames: int, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return one clip, (frames, size, size, 3), and its layout (3, 4); `rng` draws its random details."""
    canvas = Canvas(frames, size)
    layout = np.full((MOST_OBJECTS, 4), np.nan, np.float32)
    if description.is_scene:
        assert description.subject
        SCENES[description.subject].paint(canvas, rng, COLOURS[description.colour or COLOUR_NAMES[0]])
    elif description.is_composed:
        layout = paint(canvas, rng, description)
    else:
        assert description.backdrop
        BACKDROPS[description.backdrop](canvas, rng)
    return canvas.frames(), layout


def render_clips(descriptions: list[Description], frames: int, size: int, seed: int) -> Clips:
    """Return a clip of each description."""
    rng = np.random.default_rng(seed)
    clips, layouts = zip(*[render(d, frames, size, rng) for d in descriptions], strict=True)
    return Clips(np.stack(clips), descriptions, np.stack(layouts))


def draw_layouts(descriptions: list[Description], seed: int) -> NDArray[np.float32]:
    """Return where the objects of each description move, (N, 3, 4), see `compositions.draw_layout`."""
    rng = np.random.default_rng(seed)
    return np.stack([draw_layout(description, rng) for description in descriptions])


def pictures(per_picture: int) -> list[Description]:
    """Return `per_picture` descriptions of every scene, in all colours in turn, and of every backdrop."""
    scenes = [
        Description(scene.name, COLOUR_NAMES[number % len(COLOUR_NAMES)] if scene.coloured else None)
        for scene in SCENES.values()
        for number in range(per_picture)
    ]
    return scenes + [Description(None, backdrop=name) for name in BACKDROPS for _ in range(per_picture)]


def compositions_to_train_on(count: int, seed: int) -> list[Description]:
    """Return descriptions of objects, none of them held out. Half of the objects are where they are usually seen."""
    rng = np.random.default_rng(seed)
    allowed = [description for description in compositions() if not description.is_held_out]
    chosen = [allowed[n] for n in rng.integers(len(allowed), size=count)]
    return [
        replace(d, backdrop=pick(USUAL_BACKDROPS[d.subject or ""], rng)) if rng.random() < 0.5 else d for d in chosen
    ]


def partial(description: Description, rng: np.random.Generator) -> Description:
    """Return the description with some attributes left out at random, as people do who describe a clip."""
    if description.is_scene:
        return description if rng.random() < 0.8 else replace(description, colour=None)
    if not description.is_composed:
        return description
    omitted = {name: None for name, share in _OMITTED.items() if rng.random() < share}
    if description.count != "1":
        omitted.pop("count", None)  # a plural says that there are several
    return replace(description, **omitted)


def complete(description: Description, rng: np.random.Generator) -> Description:
    """Return a description that can be drawn: what it does not say is drawn at random, and what makes no sense is left out."""
    if not description.is_composed:
        colour = description.colour or pick(COLOUR_NAMES, rng)
        is_coloured = description.is_scene and SCENES[description.subject or ""].coloured
        backdrop = None if description.is_scene else description.backdrop or pick(NAMED_ALONE, rng)
        return Description(description.subject, colour if is_coloured else None, backdrop=backdrop)
    options = {**ATTRIBUTES, "count": ("1",), "backdrop": USUAL_BACKDROPS[description.subject or ""]}
    missing = {name: pick(values, rng) for name, values in options.items() if getattr(description, name) is None}
    return replace(description, **missing)


def described_captions(count: int, seed: int) -> tuple[list[str], list[Description]]:
    """Return captions in both languages and what they say; none is held out.

    Some are of something that no clip can show; of the others two thirds are of objects.
    """
    rng = np.random.default_rng(seed)
    others = int(_OTHERS * count)
    shown = _alone_or_composed(count - others, seed, rng)
    captions, said = write_captions(shown, seed), [*shown]
    for number in range(others):
        language = LANGUAGES[number % len(LANGUAGES)]
        if rng.random() < _KNOWN_BESIDE:
            known = shown[int(rng.integers(len(shown)))]
            text = beside_something(write_caption(known, language, rng), language, rng)
        else:
            text, known = other_caption(language, rng)
        captions.append(text)
        said.append(known)
    return captions, said


def _alone_or_composed(count: int, seed: int, rng: np.random.Generator) -> list[Description]:
    """Return what some captions say: a third of pictures, two thirds of objects."""
    alone = [d for d in pictures(len(COLOUR_NAMES)) if d.is_scene or d.backdrop in NAMED_ALONE]
    shown = [alone[n] for n in rng.integers(len(alone), size=count // 3)]
    return [partial(d, rng) for d in shown + compositions_to_train_on(count - len(shown), seed)]


def write_caption(description: Description, language: str, rng: np.random.Generator) -> str:
    """Return a random caption that says all that the description says."""
    if description.is_scene:
        assert description.subject
        return caption(description.subject, description.colour, language, rng)
    return sentence(description, language, rng)


def write_captions(descriptions: list[Description], seed: int) -> list[str]:
    """Return a caption of each description, in both languages in turn."""
    rng = np.random.default_rng(seed)
    return [write_caption(d, LANGUAGES[number % len(LANGUAGES)], rng) for number, d in enumerate(descriptions)]
