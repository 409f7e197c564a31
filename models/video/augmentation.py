"""Mirrored and reversed clips, with captions that say what these show.

A caption is used only if it is certain what its words mean. "A man left the room", "the right moment" and 左派 name no side, so a
caption with such words has no mirrored one. Nor has one about writing, which nobody can read in a mirror. Played backwards, most
of what happens is something else. So only captions of things without a front that move in one direction have a reversed one.
"""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from models.video.cartoons.captions import COLOUR_WORDS
from models.video.cartoons.sentences import ANY_VERB, BACKDROPS, COUNTS, DIRECTIONS, NOUNS, SPEEDS, VERBS
from models.video.generator import Frames

_WRITING = re.compile(
    r"""\b(?:text|letter|word|sign|logo|caption|subtitle|title|writ(?:e|ing|ten)|number|digit|clock|map|newspaper|book|page|
    label|banner|billboard|poster|keyboard)s?\b|["“”「」《》]|字|书|招牌|标志|标题|时钟|钟表|地图|报纸|车牌|海报|横幅|键盘""",
    re.VERBOSE | re.IGNORECASE,
)
_SIDE = re.compile(r"\b(?:left|right)(?:wards?|most|-?hand(?:ed)?)?\b|左|右|\b[\w-]*clockwise\b", re.IGNORECASE)
"""Any word that may name a side."""

_ADVERBS = r"slowly|gently|smoothly|steadily|fast|quickly|rapidly|at\ high\ speed|at\ a\ slow\ pace"
_END = rf"(?=\s*[,.;:!]|\s*$|\ (?:and|while|as|{_ADVERBS})\b)"
"""Ends a phrase: "turning left." names a side, "the turning left him dizzy" does not."""
_S = "(?-i:left|right|Left|Right|LEFT|RIGHT)"
_NAMED_SIDE = re.compile(
    rf"""
      \bfrom\ {_S}\ to\ {_S}\b
    | \b(?:to|on|from)\ the\ {_S}(?:\ (?:hand\ )?side\b|{_END}|(?=\ (?:of|in|at|by|under|over)\b))
    | \b(?:the|his|her|its|their)\ {_S}\ (?:hand|arm|leg|foot|eye|ear|side|half|edge|corner|lane|wing|shoulder)\b
    | \b(?:upper|lower|top|bottom)\ {_S}\b
    | \b{_S}(?:wards?|most|-hand(?:ed)?)\b
    | \b(?:mov|drift|float|fly|roll|driv|swimm|sail|shoot|flutter|paddl|blow|head|turn|walk|runn|slid|glid|pann)ing
      (?:\ (?:{_ADVERBS}))*\ {_S}{_END}
    | \b(?-i:(?:counter)?clockwise)\b
    | 从(?:左[到向往至]右|右[到向往至]左)
    | (?:[向往朝在][左右]|[左右](?=[边侧方面手脚腿臂眼耳转]|[上下][角方]))(?![派翼倾左右])
    | 左右
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Phrases in which such a word does name a side, whatever else the caption says. 左右 is "both sides" or "about"."""
_OPPOSITE = {"left": "right", "Left": "Right", "LEFT": "RIGHT", "左": "右"}
_OPPOSITE |= {right: left for left, right in _OPPOSITE.items()}


def augmented(frames: Frames, caption: str, *, shows_text: bool = False) -> Iterator[tuple[Frames, str]]:
    """Yield a clip (T, H, W, 3), and what can be made from it, each with a caption of what it shows.

    Args:
        frames: the clip.
        caption: what it shows.
        shows_text: whether there is text in the picture: then it is not mirrored.
    """
    yield frames, caption
    if not shows_text and (mirrored := mirrored_caption(caption)):
        yield np.ascontiguousarray(frames[:, :, ::-1]), mirrored
    if reversed_ := reversed_caption(caption):
        yield np.ascontiguousarray(frames[::-1]), reversed_


def mirrored_caption(caption: str) -> str | None:
    """Return what a clip shows in a mirror; None if that is not certain. In a mirror again, it is the caption."""
    named = _NAMED_SIDE.findall(caption)
    if _WRITING.search(caption) or len(_SIDE.findall(caption)) != sum(len(_SIDE.findall(phrase)) for phrase in named):
        return None
    return _NAMED_SIDE.sub(lambda phrase: _in_a_mirror(phrase[0]), caption)


def _in_a_mirror(phrase: str) -> str:
    if phrase == "左右":
        return phrase
    if phrase.endswith("clockwise"):
        return phrase.removeprefix("counter") if phrase.startswith("counter") else f"counter{phrase}"
    return re.sub("|".join(_OPPOSITE), lambda side: _OPPOSITE[side[0]], phrase)


def reversed_caption(caption: str) -> str | None:
    """Return what a clip shows if it is played backwards; None if that is not certain. Backwards again, it is the caption."""
    if not _REVERSIBLE.fullmatch(caption):
        return None
    return _DIRECTION.sub(lambda direction: _BACKWARDS[direction[0]], caption)


_FRONTLESS = ("balloon", "ball", "star", "leaf", "kite", "umbrella")
"""Objects that look the same when they move backwards."""
_STILL = ("day", "night", "sunset")
"""Backdrops in which nothing falls, rises or rolls."""


def _phrases(language: int) -> list[str]:
    """Return the phrases of captions of frontless objects that do nothing but move: 0 for Chinese, 1 for English."""
    nouns = [noun for subject in _FRONTLESS for noun in NOUNS[subject][language]]
    things = [part for noun in nouns for part in ((noun[0], noun[1:]) if isinstance(noun, str) else noun)]
    verbs = [verb for subject in _FRONTLESS for verb in (*VERBS[subject][language], *ANY_VERB[language])]
    others = [words[language] for table in (COLOUR_WORDS, COUNTS, DIRECTIONS, SPEEDS) for words in table.values()]
    backdrops = [BACKDROPS[backdrop][language] for backdrop in _STILL]
    return [*things, *verbs, *(word for words in (*others, *backdrops) for word in words)]


def _any(phrases: Iterable[str]) -> str:
    """Return a pattern of any of the phrases, the longest first."""
    return "|".join(sorted({re.escape(phrase) for phrase in phrases if phrase}, key=len, reverse=True))


_REVERSIBLE = re.compile(rf"(?:{_any(_phrases(0))}|一群|在|，)+|(?:(?:{_any(_phrases(1))}|an)(?:, | |$))+")
_BACKWARDS = {
    phrase: opposite
    for one, other in (("left", "right"), ("right", "left"), ("up", "down"), ("down", "up"))
    for language in (0, 1)
    for phrase, opposite in zip(DIRECTIONS[one][language], DIRECTIONS[other][language], strict=True)
}
_DIRECTION = re.compile("|".join(rf"\b{p}\b" if p.isascii() else p for p in sorted(_BACKWARDS, key=len, reverse=True)))
