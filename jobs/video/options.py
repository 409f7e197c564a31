"""What can be chosen about a video besides its text.

Each function reads one option as the user wrote it, and raises ValueError with the reason in words.
"""

import re

from jobs.platform.whole_number import LARGEST, read_id
from jobs.video.prompt_check import AUTO, CHINESE, ENGLISH

LANGUAGES = (CHINESE, ENGLISH, AUTO)
SHORTEST_S, LONGEST_S = 0.5, 10
"""Seconds."""
SMALLEST_SIDE, LARGEST_SIDE = 64, 512
"""Pixels."""

_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_LONGEST_SHOWN = 40


def read_language(text: str) -> str:
    """Return the declared language of a prompt."""
    if text not in LANGUAGES:
        raise ValueError(f"the language {_shown(text)} is not one of {', '.join(LANGUAGES)}")
    return text


def read_seconds(text: str) -> float:
    """Return the length of the clip, seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise ValueError(f"the length {_shown(text)} is not a number of seconds from {SHORTEST_S} to {LONGEST_S}")
    return seconds


def read_size(text: str) -> tuple[int, int]:
    """Return width and height of the clip, pixels."""
    match = _SIZE.fullmatch(text)
    sides = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE and side % 2 == 0 for side in sides):
        raise ValueError(
            f"the size {_shown(text)} is not a width and height such as 256x256, in even numbers of pixels from "
            f"{SMALLEST_SIDE} to {LARGEST_SIDE}"
        )
    return sides


def read_seed(text: str) -> int:
    """Return the seed of the generator."""
    seed = read_id(text)
    if seed is None:
        raise ValueError(f"the seed {_shown(text)} is not a whole number from 0 to {LARGEST}")
    return seed


def read_generator(text: str, serving: str) -> str:
    """Return the generator, which must be the one that serves."""
    if text != serving:
        hint = "" if "," in serving else f", or ask for {serving!r}"  # of several, users cannot choose
        raise ValueError(f"the generator {_shown(text)} does not serve this night; leave it out{hint}")
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
