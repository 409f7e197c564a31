"""Captions of moving objects in Chinese and English: every attribute has several words, and their order varies."""

import numpy as np

from models.video.cartoons.captions import COLOUR_WORDS, frame
from models.video.cartoons.descriptions import Description

_NOUNS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "balloon": (("个气球", "只气球", "个小气球"), (("balloon", "balloons"), ("party balloon", "party balloons"))),
    "ball": (("个球", "个皮球", "个小球"), (("ball", "balls"), ("toy ball", "toy balls"))),
    "car": (("辆汽车", "辆小车", "辆小汽车", "辆轿车"), (("car", "cars"), ("little car", "little cars"))),
    "fish": (("条鱼", "条小鱼", "条鱼儿"), (("fish", "fish"), ("little fish", "little fishes"))),
    "bird": (("只鸟", "只小鸟", "只鸟儿"), (("bird", "birds"), ("little bird", "little birds"))),
    "boat": (("艘船", "只小船", "艘帆船", "条船"), (("boat", "boats"), ("sailing boat", "sailing boats"))),
    "star": (("颗星星", "颗五角星", "个星星"), (("star", "stars"), ("five-pointed star", "five-pointed stars"))),
    "leaf": (("片叶子", "片树叶", "片落叶"), (("leaf", "leaves"),)),
}  # fmt: skip
"""Object -> measure word and noun in Chinese, and singular and plural in English."""
_VERBS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "balloon": (("飘", "飞", "飘动"), ("drifting", "floating", "flying")),
    "ball": (("滚", "滚动"), ("rolling", "flying")),
    "car": (("开", "行驶", "驶去"), ("driving", "going")),
    "fish": (("游", "游动", "游去"), ("swimming",)),
    "bird": (("飞", "飞翔", "飞去"), ("flying",)),
    "boat": (("航行", "驶去", "开"), ("sailing", "drifting")),
    "star": (("飞", "飘", "飞行"), ("flying", "drifting")),
    "leaf": (("飘", "飘动", "飞"), ("drifting", "floating", "blowing")),
}
_ANY_VERB = (("移动", "运动"), ("moving",))
_COUNTS = {
    "1": (("一", "1"), ("a", "one", "1", "a single")),
    "2": (("两", "2", "二"), ("two", "2", "a pair of")),
    "3": (("三", "3"), ("three", "3")),
}
_DIRECTIONS = {
    "left": (("向左", "往左", "向左边", "朝左", "从右向左"), ("left", "to the left", "leftwards", "from right to left")),
    "right": (("向右", "往右", "向右边", "朝右", "从左向右"), ("right", "to the right", "rightwards", "from left to right")),
    "up": (("向上", "往上", "朝上", "从下往上"), ("up", "upwards", "to the top")),
    "down": (("向下", "往下", "朝下", "从上往下"), ("down", "downwards", "to the bottom")),
}  # fmt: skip
_SPEEDS = {
    "slow": (("慢慢", "缓缓", "缓慢地", "慢悠悠地"), ("slowly", "gently", "at a slow pace")),
    "fast": (("快速", "飞快地", "迅速", "很快地"), ("fast", "quickly", "rapidly", "at high speed")),
}
_BACKDROPS = {
    "day": (("白天", "阳光下", "大白天", "晴天里"), ("by day", "in the sunshine", "on a sunny day", "in daylight")),
    "night": (
        ("夜里", "夜晚", "晚上", "月光下", "黑夜里"),
        ("at night", "by night", "in the moonlight", "in the dark"),
    ),
    "sunset": (("夕阳下", "黄昏", "傍晚", "日落时"), ("at sunset", "at dusk", "in the evening sun")),
    "rain": (("雨中", "下雨天", "雨天里", "大雨中"), ("in the rain", "on a rainy day", "in rainy weather")),
    "snow": (("雪中", "下雪天", "雪天里", "大雪中"), ("in the snow", "on a snowy day", "while it is snowing")),
}


def sentence(description: Description, language: str, rng: np.random.Generator) -> str:
    """Return a random caption that says what the description of objects says."""
    text = _chinese(description, rng) if language == "zh" else _english(description, rng)
    return frame(text, language, rng) if rng.random() < 0.3 else text


def _chinese(d: Description, rng: np.random.Generator) -> str:
    noun = _pick(_NOUNS[d.subject][0], rng)
    colour = _pick(COLOUR_WORDS[d.colour][0], rng) if d.colour else ""
    things = (_pick(_COUNTS[d.count][0], rng) + noun[0] if d.count else "") + colour + noun[1:]
    speed = _pick(_SPEEDS[d.speed][0], rng) if d.speed else ""
    direction = _pick(_DIRECTIONS[d.direction][0], rng) if d.direction else ""
    verb = _pick(_ANY_VERB[0] if rng.random() < 0.2 else _VERBS[d.subject][0], rng)
    moves = (speed + direction if rng.random() < 0.7 else direction + speed) + verb if speed or direction else ""
    if not d.backdrop:
        return things + moves
    backdrop = _pick(_BACKDROPS[d.backdrop][0], rng)
    return (f"{backdrop}{things}{moves}", f"{backdrop}，{things}{moves}", f"{things}{moves}，{backdrop}",
            f"{things}在{backdrop}{moves}")[int(rng.integers(4))]  # fmt: skip


def _english(d: Description, rng: np.random.Generator) -> str:
    one, many = _NOUNS[d.subject][1][int(rng.integers(len(_NOUNS[d.subject][1])))]
    colour = _pick(COLOUR_WORDS[d.colour][1], rng) if d.colour else ""
    count = _pick(_COUNTS[d.count][1], rng) if d.count else ""
    if count == "a" and (colour or one)[0] in "aeiou":
        count = "an"
    verb = _pick(_ANY_VERB[1] if rng.random() < 0.2 else _VERBS[d.subject][1], rng)
    speed = _pick(_SPEEDS[d.speed][1], rng) if d.speed else ""
    direction = _pick(_DIRECTIONS[d.direction][1], rng) if d.direction else ""
    backdrop = _pick(_BACKDROPS[d.backdrop][1], rng) if d.backdrop else ""
    moves = [verb, *((speed, direction) if rng.random() < 0.5 else (direction, speed))] if speed or direction else []
    words = [count, colour, one if d.count == "1" else many, *moves]
    words = [backdrop + ",", *words] if backdrop and rng.random() < 0.3 else [*words, backdrop]
    return " ".join(word for word in words if word)


def _pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
