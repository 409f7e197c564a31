"""What a clip of the corpus shows, as attributes: a scene, a backdrop, or objects that move in front of a backdrop.

The objects can be combined with every colour, number, direction, speed and backdrop. Some combinations are held out of all
training, so that it can be measured whether a model has learned what the words mean or remembers the clips.
"""

import zlib
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from models.video.cartoons.backdrops import BACKDROPS
from models.video.cartoons.objects import OBJECTS
from models.video.cartoons.scenes import COLOUR_NAMES, SCENE_NAMES, SCENES

MOST_OBJECTS = 3
"""Largest number of objects in a clip."""

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "subject": (*SCENE_NAMES, *OBJECTS),
    "colour": COLOUR_NAMES,
    "count": tuple(str(count) for count in range(1, MOST_OBJECTS + 1)),
    "direction": ("left", "right", "up", "down"),
    "speed": ("slow", "fast"),
    "backdrop": tuple(BACKDROPS),
}
"""Attribute -> its values."""

_HELD_OUT_PERCENT = 15
_OPPOSITE = {"left": "right", "right": "left", "up": "down", "down": "up"}


@dataclass(frozen=True)
class Description:
    """What a clip shows, or what a caption says of it. None: the clip does not have the attribute, or the caption does not say.

    Attributes:
        subject: a scene or an object; None for a backdrop alone.
        colour: of the objects, or of the main thing in a scene.
        count: number of objects.
        direction, speed: of the objects.
        backdrop: time of day or weather.
    """

    subject: str | None
    colour: str | None = None
    count: str | None = None
    direction: str | None = None
    speed: str | None = None
    backdrop: str | None = None

    @property
    def is_scene(self) -> bool:
        """True if the subject is a scene, which has at most a colour besides."""
        return self.subject in SCENES

    @property
    def is_composed(self) -> bool:
        """True if the subject is an object."""
        return self.subject in OBJECTS

    @property
    def is_held_out(self) -> bool:
        """True if models must not be trained on this object in this colour, number and direction, with any speed and backdrop.

        A checksum of the four selects 15 % of their combinations, so it is the same on every machine.
        """
        if not self.is_composed or None in (self.colour, self.count, self.direction):
            return False
        combination = f"{self.subject}/{self.colour}/{self.count}/{self.direction}"
        return zlib.crc32(combination.encode()) % 100 < _HELD_OUT_PERCENT

    def reversed(self) -> "Description":
        """Return what a clip of objects shows if it is played backwards."""
        return replace(self, direction=_OPPOSITE[self.direction]) if self.direction else self


def labels(descriptions: list[Description]) -> NDArray[np.int64]:
    """Return the indices of the values in ATTRIBUTES, (N, 6); the number of values stands for None."""
    rows = [
        [
            len(values) if (value := getattr(description, name)) is None else values.index(value)
            for name, values in ATTRIBUTES.items()
        ]
        for description in descriptions
    ]
    return np.array(rows, np.int64)


def described(indices: NDArray[np.int64]) -> list[Description]:
    """Return the descriptions whose indices are (N, 6); the inverse of `labels`."""
    return [
        Description(*((*values, None)[n] for values, n in zip(ATTRIBUTES.values(), row, strict=True)))
        for row in indices.tolist()
    ]


def compositions() -> list[Description]:
    """Return all combinations of objects with the other attributes, in a fixed order."""
    values = [OBJECTS if name == "subject" else options for name, options in ATTRIBUTES.items()]
    return [Description(*combination) for combination in product(*values)]
