"""Prompts for tags: a tag is mapped to scenes, and a scene to prompts in Chinese and English."""

import hashlib
from dataclasses import dataclass

SCENE_PROMPTS: dict[str, tuple[tuple[str, str], ...]] = {
    "sunrise": (
        ("一个美丽的日出景象", "a beautiful sunrise behind the hills"),
        ("清晨的太阳照亮山谷", "morning sun coming up over a valley"),
    ),
    "waves": (
        ("蓝色的海浪涌上沙滩", "blue waves rolling onto a sandy beach"),
        ("海边的浪花", "surf on the shore of a calm ocean"),
    ),
    "rain": (
        ("雨中的一把红色雨伞", "rain falling on a red umbrella"),
        ("夏天的大雨落进水洼", "raindrops in puddles on a rainy day"),
    ),
    "snow": (
        ("雪花飘落在松树林里", "snow falling on pine trees"),
        ("宁静的冬天雪景", "a calm snowy winter forest"),
    ),
    "clouds": (
        ("蓝天白云飘过草地", "white clouds drifting over a green meadow"),
        ("晴朗天空中的云朵", "clouds in a clear blue sky"),
    ),
    "stars": (
        ("山上的星空和流星", "a starry night sky with a shooting star"),
        ("夜空中旋转的银河", "the milky way turning above the mountains"),
    ),
    "flower": (
        ("一朵粉色的花慢慢绽放", "a pink flower blooming in the garden"),
        ("春天里盛开的黄色花朵", "a yellow flower opening its petals"),
    ),
    "fish": (
        ("一条橙色的金鱼在水草间游动", "an orange goldfish swimming in an aquarium"),
        ("海底的蓝色小鱼", "a blue fish swimming under water"),
    ),
    "fireworks": (
        ("节日的烟花在夜空绽放", "fireworks bursting in the night sky"),
        ("新年的红色焰火表演", "a red new year fireworks show"),
    ),
    "ball": (
        ("一个红色的皮球在地板上弹跳", "a red ball bouncing on the floor"),
        ("弹跳的橙色篮球", "an orange basketball bouncing"),
    ),
    "city": (
        ("繁华的城市夜景灯光", "city lights at night"),
        ("高楼大厦的灯火和车流", "a night skyline with passing cars"),
    ),
    "candle": (
        ("黑暗中摇曳的烛光", "a candle flame flickering in the dark"),
        ("一支红色蜡烛的火苗", "a burning red candle"),
    ),
    "soup": (
        ("一碗热气腾腾的牛肉面", "a steaming bowl of noodle soup"),
        ("蓝色碗里的热汤面", "hot noodles in a blue bowl"),
    ),
    "heart": (
        ("一颗健康跳动的心脏", "a healthy beating heart"),
        ("心跳和心电图", "a heartbeat with its cardiogram"),
    ),
    "music": (
        ("随着音乐跳动的音符", "an equaliser dancing to music"),
        ("动感的音乐节拍", "music notes and the beat of a song"),
    ),
    "cat": (
        ("一只橘色的小猫眨眼睛", "a cute orange kitten blinking"),
        ("可爱的白色猫咪转头", "a white cat looking around"),
    ),
    "gears": (
        ("精密机械的齿轮在转动", "turning gears of a precise machine"),
        ("未来科技的蓝色齿轮", "blue gears of future technology"),
    ),
    "arcade": (
        ("复古街机里的吃豆人游戏", "a retro arcade maze game"),
        ("红色幽灵追着吃豆人", "a red ghost chasing a yellow muncher"),
    ),
    "book": (
        ("灯下翻动书页的一本书", "the pages of an open book turning"),
        ("安静地读一本蓝色的书", "reading a blue book under a lamp"),
    ),
    "dress": (
        ("模特穿着紫色长裙走秀", "a model in a purple dress on the catwalk"),
        ("时装秀上的红色连衣裙", "a red dress at a fashion show"),
    ),
    "car": (
        ("一辆红色汽车在公路上行驶", "a red car driving along a road"),
        ("白色轿车的公路自驾", "a white car on a road trip"),
    ),
    "balloon": (
        ("彩色热气球飞过群山", "a hot-air balloon floating over mountains"),
        ("山谷上空升起的红色热气球", "a red hot-air balloon rising over a valley"),
    ),
}
"""Scene -> pairs of a Chinese prompt and its English translation."""

TAG_SCENES: dict[str, tuple[str, ...]] = {
    "美食": ("soup",), "旅游": ("balloon", "waves", "sunrise"), "健康": ("heart", "sunrise"), "健身": ("heart", "ball"),
    "运动": ("ball",), "萌宠": ("cat", "fish"), "宠物": ("cat", "fish"), "搞笑": ("cat", "ball"), "音乐": ("music",),
    "舞蹈": ("dress", "music"), "游戏": ("arcade",), "科技": ("gears",), "汽车": ("car",), "时尚": ("dress",),
    "亲子": ("balloon", "ball"), "教育": ("book",), "财经": ("city", "gears"), "体育": ("ball",),
    "乡村": ("flower", "rain", "clouds"), "影视": ("fireworks", "candle"), "家居": ("candle", "flower"),
    "自然": ("sunrise", "snow", "stars", "waves"), "猫咪": ("cat",), "海岛": ("waves",), "火锅": ("soup",),
    "天文": ("stars",), "风光": ("sunrise", "snow"), "钢琴": ("music",), "足球": ("ball",), "篮球": ("ball",),
    "手游": ("arcade",), "穿搭": ("dress",), "试驾": ("car",), "英语": ("book",), "历史": ("book",), "人工智能": ("gears",),
}  # fmt: skip
"""Tag -> its scenes. For other tags, such as the numbers of a dataset, a hash selects the scenes."""

_SCENES_PER_TAG = 3


@dataclass(frozen=True)
class Prompt:
    """A prompt, in the language `zh` or `en`."""

    text: str
    language: str
    scene: str


def prompts_for(tag: str, key: str) -> tuple[Prompt, Prompt]:
    """Return the prompt for a tag in Chinese and in English; `key`, e.g. the night, selects among the prompts of the tag."""
    scenes = TAG_SCENES.get(tag) or tuple(sorted(SCENE_PROMPTS, key=lambda s: _hash(f"{tag}/{s}"))[:_SCENES_PER_TAG])
    scene = scenes[_hash(f"{tag}/{key}/scene") % len(scenes)]
    pairs = SCENE_PROMPTS[scene]
    chinese, english = pairs[_hash(f"{tag}/{key}/words") % len(pairs)]
    return Prompt(chinese, "zh", scene), Prompt(english, "en", scene)


def english_prompt(prompt: str) -> str | None:
    """Return the English translation of a prompt in `SCENE_PROMPTS`, or None for other prompts."""
    translations = {chinese: english for pairs in SCENE_PROMPTS.values() for chinese, english in pairs}
    return translations.get(prompt)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
