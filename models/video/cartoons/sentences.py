"""Captions of moving objects in Chinese and English: every attribute has several words, and their order varies."""

import numpy as np

from models.video.cartoons.captions import COLOUR_WORDS, LANGUAGES, frame, pick
from models.video.cartoons.descriptions import Description

NOUNS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "balloon": (("个气球", "只气球", "个小气球"), (("balloon", "balloons"), ("party balloon", "party balloons"))),
    "ball": (("个球", "个皮球", "个小球"), (("ball", "balls"), ("toy ball", "toy balls"))),
    "car": (
        ("辆汽车", "辆小车", "辆小汽车", "辆轿车", "辆跑车"),
        (("car", "cars"), ("little car", "little cars"), ("sports car", "sports cars")),
    ),
    "fish": (("条鱼", "条小鱼", "条鱼儿"), (("fish", "fish"), ("little fish", "little fishes"))),
    "bird": (
        ("只鸟", "只小鸟", "只鸟儿", "只海鸥", "只燕子"),
        (("bird", "birds"), ("little bird", "little birds"), ("seagull", "seagulls")),
    ),
    "boat": (
        ("艘船", "只小船", "艘帆船", "条船", "艘轮船"),
        (("boat", "boats"), ("sailing boat", "sailing boats"), ("sailboat", "sailboats"), ("ship", "ships")),
    ),
    "star": (("颗星星", "颗五角星", "个星星"), (("star", "stars"), ("five-pointed star", "five-pointed stars"))),
    "leaf": (("片叶子", "片树叶", "片落叶"), (("leaf", "leaves"),)),
    "plane": (
        ("架飞机", "架小飞机", "架客机"),
        (("plane", "planes"), ("aeroplane", "aeroplanes"), ("airplane", "airplanes")),
    ),
    "rocket": (("枚火箭", "支火箭", "个火箭"), (("rocket", "rockets"), ("space rocket", "space rockets"))),
    "butterfly": (("只蝴蝶", "只小蝴蝶"), (("butterfly", "butterflies"), ("little butterfly", "little butterflies"))),
    "kite": (("只风筝", "个风筝"), (("kite", "kites"), ("paper kite", "paper kites"))),
    "duck": (("只鸭子", "只小鸭", "只小鸭子"), (("duck", "ducks"), ("duckling", "ducklings"))),
    "umbrella": (("把雨伞", "把伞", "把小伞"), (("umbrella", "umbrellas"), ("open umbrella", "open umbrellas"))),
}
"""Object -> measure word and noun in Chinese, and singular and plural in English."""
VERBS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "balloon": (("飘", "飞", "飘动"), ("drifting", "floating", "flying")),
    "ball": (("滚", "滚动"), ("rolling", "flying")),
    "car": (("开", "行驶", "驶去"), ("driving", "going")),
    "fish": (("游", "游动", "游去"), ("swimming",)),
    "bird": (("飞", "飞翔", "飞去"), ("flying",)),
    "boat": (("航行", "驶去", "开"), ("sailing", "drifting")),
    "star": (("飞", "飘", "飞行"), ("flying", "drifting")),
    "leaf": (("飘", "飘动", "飞"), ("drifting", "floating", "blowing")),
    "plane": (("飞", "飞行", "飞去"), ("flying",)),
    "rocket": (("飞", "飞行", "发射"), ("flying", "shooting")),
    "butterfly": (("飞", "飞舞"), ("flying", "fluttering")),
    "kite": (("飘", "飞"), ("flying", "drifting")),
    "duck": (("游", "游动", "游去"), ("swimming", "paddling")),
    "umbrella": (("飘", "飞", "飘动"), ("drifting", "flying", "floating")),
}
ANY_VERB = (("移动", "运动"), ("moving",))
COUNTS = {
    "1": (("一", "1"), ("a", "one", "1", "a single")),
    "2": (("两", "2", "二"), ("two", "2", "a pair of")),
    "3": (("三", "3", "几", "好几"), ("three", "3", "some", "several", "many", "a group of", "")),
}
"""Count -> words; a plural without a number is drawn as the largest count."""
DIRECTIONS = {
    "left": (("向左", "往左", "向左边", "朝左", "从右向左"), ("left", "to the left", "leftwards", "from right to left")),
    "right": (("向右", "往右", "向右边", "朝右", "从左向右"), ("right", "to the right", "rightwards", "from left to right")),
    "up": (("向上", "往上", "朝上", "从下往上"), ("up", "upwards", "to the top")),
    "down": (("向下", "往下", "朝下", "从上往下"), ("down", "downwards", "to the bottom")),
}  # fmt: skip
SPEEDS = {
    "slow": (("慢慢", "缓缓", "缓慢地", "慢悠悠地"), ("slowly", "gently", "at a slow pace")),
    "fast": (("快速", "飞快地", "迅速", "很快地"), ("fast", "quickly", "rapidly", "at high speed")),
}
"""Direction and speed -> words for them in Chinese and in English."""
_ALONE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "day": (("晴空下的草地", "阳光下的田野", "晴天"), ("a sunny meadow", "a sunny day", "a field in the sunshine")),
    "night": (("月夜", "月光下的夜晚", "安静的夜晚和月亮"), ("a moonlit night", "the moon at night", "moonlight")),
    "sunset": (("日落", "夕阳", "夕阳西下", "黄昏的天空"), ("a sunset", "the setting sun", "dusk", "the evening sky")),
    "sea": (("平静的海面", "开阔的海面", "海平线"), ("a calm sea", "open water", "the horizon at sea")),
    "underwater": (
        ("水下的水草和气泡", "海床", "水中的气泡"),
        ("bubbles under water", "the sea bed", "weeds under water"),
    ),
}
"""Backdrop -> captions of it without objects. Rain and snow are scenes too, which are drawn instead."""
BACKDROPS = {
    "day": (("白天", "阳光下", "大白天", "晴天里"), ("by day", "in the sunshine", "on a sunny day", "in daylight")),
    "night": (
        ("夜里", "夜晚", "晚上", "月光下", "黑夜里"),
        ("at night", "by night", "in the moonlight", "in the dark"),
    ),
    "sunset": (("夕阳下", "黄昏", "傍晚", "日落时"), ("at sunset", "at dusk", "in the evening sun")),
    "rain": (("雨中", "雨里", "下雨天", "雨天里", "大雨中"), ("in the rain", "on a rainy day", "in rainy weather")),
    "snow": (("雪中", "雪里", "下雪天", "雪天里", "大雪中"), ("in the snow", "on a snowy day", "while it is snowing")),
    "sea": (("海上", "大海上", "海面上", "海边"), ("on the sea", "at sea", "over the sea", "over the ocean")),
    "underwater": (("水下", "海底", "水里", "水中"), ("under water", "underwater", "under the sea", "in the water")),
}
_GROUP = 0.1  # share of the captions of three in Chinese

NAMED_ALONE = tuple(_ALONE)
"""Backdrops that have captions of their own."""


def sentence(description: Description, language: str, rng: np.random.Generator) -> str:
    """Return a random caption that says what the description, of objects or of a backdrop, says."""
    if description.subject is None:
        text = pick(_ALONE[description.backdrop or ""][LANGUAGES.index(language)], rng)
    else:
        text = _chinese(description, rng) if language == "zh" else _english(description, rng)
    return frame(text, language, rng) if rng.random() < 0.3 else text


def in_front_of(backdrop: str, phrase: str, language: str, rng: np.random.Generator) -> str:
    """Return a phrase with the words of a backdrop before or after it."""
    words = pick(BACKDROPS[backdrop][LANGUAGES.index(language)], rng)
    if language == "zh":
        return pick((f"{words}{phrase}", f"{words}，{phrase}", f"{phrase}，{words}", f"{words}的{phrase}"), rng)
    return pick((f"{phrase} {words}", f"{words}, {phrase}"), rng)


def _chinese(d: Description, rng: np.random.Generator) -> str:
    assert d.subject
    noun = pick(NOUNS[d.subject][0], rng)
    colour = pick(COLOUR_WORDS[d.colour][0], rng) if d.colour else ""
    count = pick(COUNTS[d.count][0], rng) + noun[0] if d.count else ""
    if d.count == "3" and rng.random() < _GROUP:
        count = "一群"
    things = count + colour + noun[1:]
    speed = pick(SPEEDS[d.speed][0], rng) if d.speed else ""
    direction = pick(DIRECTIONS[d.direction][0], rng) if d.direction else ""
    verb = pick(ANY_VERB[0] if rng.random() < 0.2 else VERBS[d.subject][0], rng)
    moves = (speed + direction if rng.random() < 0.7 else direction + speed) + verb if speed or direction else ""
    if not d.backdrop:
        return things + moves
    backdrop = pick(BACKDROPS[d.backdrop][0], rng)
    return (f"{backdrop}{things}{moves}", f"{backdrop}，{things}{moves}", f"{things}{moves}，{backdrop}",
            f"{things}在{backdrop}{moves}")[int(rng.integers(4))]  # fmt: skip


def _english(d: Description, rng: np.random.Generator) -> str:
    assert d.subject
    one, many = NOUNS[d.subject][1][int(rng.integers(len(NOUNS[d.subject][1])))]
    colour = pick(COLOUR_WORDS[d.colour][1], rng) if d.colour else ""
    count = pick(COUNTS[d.count][1], rng) if d.count else ""
    if count == "a" and (colour or one)[0] in "aeiou":
        count = "an"
    verb = pick(ANY_VERB[1] if rng.random() < 0.2 else VERBS[d.subject][1], rng)
    speed = pick(SPEEDS[d.speed][1], rng) if d.speed else ""
    direction = pick(DIRECTIONS[d.direction][1], rng) if d.direction else ""
    backdrop = pick(BACKDROPS[d.backdrop][1], rng) if d.backdrop else ""
    moves = [verb, *((speed, direction) if rng.random() < 0.5 else (direction, speed))] if speed or direction else []
    words = [count, colour, many if d.count in {"2", "3"} else one, *moves]
    words = [backdrop + ",", *words] if backdrop and rng.random() < 0.3 else [*words, backdrop]
    return " ".join(word for word in words if word)
