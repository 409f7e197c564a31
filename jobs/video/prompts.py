"""Prompts for tags: a tag is mapped to subjects, and a subject to prompts in Chinese and English."""

import hashlib
from dataclasses import dataclass

PROMPTS: dict[str, tuple[tuple[str, str], ...]] = {
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
    "aquarium": (
        ("一条橙色的金鱼在水草间游动", "an orange goldfish swimming in an aquarium"),
        ("海底的蓝色小鱼", "a blue fish swimming under water"),
    ),
    "fireworks": (
        ("节日的烟花在夜空绽放", "fireworks bursting in the night sky"),
        ("新年的红色焰火表演", "a red new year fireworks show"),
    ),
    "bouncing_ball": (
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
    "road_trip": (
        ("一辆红色汽车在公路上行驶", "a red car driving along a road"),
        ("白色轿车的公路自驾", "a white car on a road trip"),
    ),
    "hot_air_balloon": (
        ("彩色热气球飞过群山", "a hot-air balloon floating over mountains"),
        ("山谷上空升起的红色热气球", "a red hot-air balloon rising over a valley"),
    ),
    "balloon": (
        ("三个红色的气球向左飘", "three red balloons drifting left"),
        ("夕阳下一个蓝色的气球慢慢向上飘", "a blue balloon floating slowly upwards at sunset"),
        ("雪中两个黄色的气球向右飘", "two yellow balloons drifting to the right in the snow"),
    ),
    "ball": (
        ("两个绿色的皮球快速向右滚", "two green balls rolling fast to the right"),
        ("雨中一个橙色的皮球向下滚", "an orange ball rolling down in the rain"),
    ),
    "car": (
        ("夜里一辆白色的汽车快速向左开", "a white car driving fast to the left at night"),
        ("三辆红色的小汽车慢慢向右行驶", "three red little cars driving slowly to the right"),
    ),
    "fish": (
        ("三条橙色的小鱼向左游", "three orange fish swimming left"),
        ("两条紫色的鱼慢慢向右游", "two purple fish swimming slowly to the right"),
    ),
    "bird": (
        ("黄昏两只白色的小鸟快速向左飞", "two white birds flying fast to the left at dusk"),
        ("三只蓝色的小鸟向上飞", "three blue birds flying upwards"),
    ),
    "boat": (
        ("日落时一艘红色的帆船慢慢向右航行", "a red sailing boat sailing slowly to the right at sunset"),
        ("雨中两只绿色的小船向左驶去", "two green boats sailing to the left in the rain"),
    ),
    "star": (
        ("夜里三颗黄色的星星向下飞", "three yellow stars flying down at night"),
        ("一颗粉色的星星快速向右飞", "a pink star flying fast to the right"),
    ),
    "leaf": (
        ("两片橙色的树叶慢慢向下飘", "two orange leaves drifting slowly down"),
        ("雨中一片绿色的叶子向左飘", "a green leaf drifting left in the rain"),
    ),
    "plane": (
        ("一架白色的飞机快速向右飞", "a white plane flying fast to the right"),
        ("夜里两架红色的飞机向左飞", "two red planes flying left at night"),
    ),
    "rocket": (
        ("夜里一枚红色的火箭快速向上飞", "a red rocket flying fast upwards at night"),
        ("三枚白色的火箭向上飞", "three white rockets flying upwards"),
    ),
    "butterfly": (
        ("三只紫色的蝴蝶慢慢向上飞", "three purple butterflies flying slowly upwards"),
        ("一只黄色的蝴蝶向右飞舞", "a yellow butterfly fluttering to the right"),
    ),
    "kite": (
        ("两只粉色的风筝向上飞", "two pink kites flying upwards"),
        ("夕阳下一只绿色的风筝慢慢向左飘", "a green kite drifting slowly to the left at sunset"),
    ),
    "duck": (
        ("海面上三只黄色的小鸭子向左游", "three yellow ducklings swimming left on the sea"),
        ("雨中一只白色的鸭子慢慢向右游", "a white duck swimming slowly to the right in the rain"),
    ),
    "umbrella": (
        ("雨中三把红色的雨伞慢慢向下飘", "three red umbrellas drifting slowly down in the rain"),
        ("两把蓝色的雨伞向上飘", "two blue umbrellas floating upwards"),
    ),
}
"""Scene or object -> pairs of a Chinese prompt and its English translation."""

TAG_SUBJECTS: dict[str, tuple[str, ...]] = {
    "美食": ("soup",), "旅游": ("hot_air_balloon", "waves", "plane", "boat"), "健康": ("heart", "sunrise"),
    "健身": ("heart", "bouncing_ball"), "运动": ("bouncing_ball", "ball"), "萌宠": ("cat", "aquarium", "bird"),
    "宠物": ("cat", "duck", "fish"), "搞笑": ("cat", "bouncing_ball"), "音乐": ("music",), "舞蹈": ("dress", "music"),
    "游戏": ("arcade", "star"), "科技": ("gears", "rocket"), "汽车": ("road_trip", "car"), "时尚": ("dress",),
    "亲子": ("balloon", "kite", "duck"), "教育": ("book",), "财经": ("city", "gears"),
    "体育": ("bouncing_ball", "ball"), "乡村": ("flower", "rain", "clouds", "leaf"), "影视": ("fireworks", "candle"),
    "家居": ("candle", "flower"), "自然": ("sunrise", "snow", "stars", "waves", "butterfly", "bird"), "猫咪": ("cat",),
    "海岛": ("waves", "boat"), "火锅": ("soup",), "天文": ("stars", "star", "rocket"), "风光": ("sunrise", "snow"),
    "钢琴": ("music",), "足球": ("bouncing_ball", "ball"), "篮球": ("bouncing_ball",), "手游": ("arcade",),
    "穿搭": ("dress",), "试驾": ("road_trip", "car"), "英语": ("book",), "历史": ("book",), "人工智能": ("gears",),
}  # fmt: skip
"""Tag -> its subjects. For other tags, such as the numbers of a dataset, a hash selects them."""

SUBJECT_OF = {text: subject for subject, pairs in PROMPTS.items() for pair in pairs for text in pair}
"""Prompt -> its subject."""

_SUBJECTS_PER_TAG = 3


@dataclass(frozen=True)
class Prompt:
    """A prompt, in the language `zh` or `en`."""

    text: str
    language: str
    subject: str


def prompts_for(tag: str, key: str) -> tuple[Prompt, Prompt]:
    """Return the prompt for a tag in Chinese and in English; `key`, e.g. the night, selects among the prompts of the tag."""
    subjects = TAG_SUBJECTS.get(tag) or tuple(sorted(PROMPTS, key=lambda s: _hash(f"{tag}/{s}"))[:_SUBJECTS_PER_TAG])
    subject = subjects[_hash(f"{tag}/{key}/scene") % len(subjects)]
    pairs = PROMPTS[subject]
    chinese, english = pairs[_hash(f"{tag}/{key}/words") % len(pairs)]
    return Prompt(chinese, "zh", subject), Prompt(english, "en", subject)


def english_prompt(prompt: str) -> str | None:
    """Return the English translation of a prompt in `PROMPTS`, or None for other prompts."""
    translations = {chinese: english for pairs in PROMPTS.values() for chinese, english in pairs}
    return translations.get(prompt)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
