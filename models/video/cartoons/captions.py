"""Captions of the scenes in Chinese and English, the training data of the text encoder.

A caption is a phrase of the scene, put into a sentence frame with a mood. All scenes share frames and moods, so the encoder
learns to ignore them. `{c}` is replaced by the colour.
"""

import numpy as np

LANGUAGES = ("zh", "en")

COLOUR_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "red": (("红色的", "红色", "红", "大红色的"), ("red", "crimson")),
    "orange": (("橙色的", "橙色", "橘色的", "橘"), ("orange",)),
    "yellow": (("黄色的", "黄色", "黄", "金黄色的"), ("yellow", "golden")),
    "green": (("绿色的", "绿色", "绿", "翠绿的"), ("green",)),
    "blue": (("蓝色的", "蓝色", "蓝", "天蓝色的"), ("blue",)),
    "purple": (("紫色的", "紫色", "紫"), ("purple", "violet")),
    "pink": (("粉色的", "粉色", "粉红色的"), ("pink",)),
    "white": (("白色的", "白色", "白"), ("white",)),
}
"""Colour -> words for it in Chinese and in English."""


def _split(lists: dict[str, tuple[str, str]]) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Split each text at its semicolons into a tuple of phrases."""
    return {
        name: (tuple(chinese.split("; ")), tuple(english.split("; "))) for name, (chinese, english) in lists.items()
    }


PHRASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = _split(
    {
        "sunrise": (
            "日出; 日出景象; 太阳升起; 清晨的太阳从山后升起; 朝阳; 黎明时的天空; 晨曦; 旭日东升; "
            "早上的阳光照亮山谷; 朝霞满天; 日出东方",
            "a sunrise; the sun rising behind hills; dawn; daybreak over the mountains; "
            "morning sun coming up; early morning light",
        ),
        "waves": (
            "海浪; 大海; 海浪拍打沙滩; 海边的波浪; 潮水涌上海岸; 蓝色的海洋; 浪花; 沙滩和海; 海面起伏",
            "waves; the sea; ocean waves rolling onto the beach; surf on the shore; a blue ocean; "
            "the tide coming in; seaside",
        ),
        "rain": (
            "下雨; 雨中的{c}伞; 大雨落在{c}雨伞上; 雨天; 暴雨; 雨滴落进水洼; 小雨淅沥; 阴天的雨",
            "rain; rain falling on a {c} umbrella; a rainy day; raindrops in puddles; a downpour; "
            "heavy rain; it is raining; a {c} umbrella in the rain",
        ),
        "snow": (
            "下雪; 雪花飘落在松树上; 大雪; 冬天的雪景; 雪地里的松林; 飘雪; 雪花; 白雪覆盖的森林",
            "snow; snow falling on pine trees; a snowy winter forest; snowflakes drifting down; "
            "heavy snowfall; a white winter",
        ),
        "clouds": (
            "白云; 蓝天白云; 云朵飘过草地; 天空中的云; 云在飘; 晴朗的天空和草原; 多云",
            "clouds; white clouds in a blue sky; clouds drifting over a meadow; a cloudy sky; "
            "a sunny sky over grassland",
        ),
        "stars": (
            "星空; 夜空中的星星; 银河; 流星划过夜空; 繁星旋转; 星轨; 流星雨; 山上的星夜",
            "stars; a starry night sky; the milky way; a shooting star; stars turning above the mountains; "
            "a meteor at night",
        ),
        "flower": (
            "{c}花朵绽放; 一朵{c}花开放; 花开; 盛开的{c}花; 春天的花朵; {c}玫瑰慢慢开放; 花园里的{c}花",
            "a {c} flower blooming; a blossom opening its petals; a {c} flower in the garden; "
            "spring flowers; a {c} rose opening; blooming",
        ),
        "aquarium": (
            "一条{c}鱼在水里游; {c}金鱼; 水族箱里的{c}鱼; 海底的鱼; 鱼儿游过水草; 鱼缸; 水下世界的{c}小鱼",
            "a {c} fish swimming; a {c} goldfish in an aquarium; fish under water; an underwater world; "
            "a fish tank with a {c} fish",
        ),
        "fireworks": (
            "烟花; {c}烟花在夜空绽放; 节日的焰火; 新年烟火; 放烟花; {c}礼花; 烟花表演; 除夕夜的烟火",
            "fireworks; {c} fireworks in the night sky; a fireworks show; new year fireworks; "
            "firecrackers bursting over town; {c} fireworks exploding",
        ),
        "bouncing_ball": (
            "弹跳的{c}球; 一个{c}皮球在地板上弹跳; {c}篮球弹起; 拍{c}球; 弹跳的球; 球在弹跳; 打篮球; 踢足球; 玩皮球",
            "a bouncing {c} ball; a {c} ball bouncing on the floor; a {c} basketball; playing ball; "
            "a ball that bounces; football",
        ),
        "city": (
            "城市夜景; 夜晚的城市灯光; 高楼大厦的灯火; 都市的夜晚; 霓虹灯下的街道; 城市天际线; "
            "车水马龙的夜晚; 夜色中的摩天大楼",
            "city lights at night; a night skyline; skyscrapers with lit windows; downtown at night; "
            "urban traffic at night; a city by night",
        ),
        "candle": (
            "蜡烛; 一支{c}蜡烛的火苗; 烛光; 摇曳的烛火; 黑暗中燃烧的{c}蜡烛; 烛光晚餐; 蜡烛的火焰",
            "a {c} candle; a candle flame flickering; candlelight; a burning {c} candle in the dark; "
            "a flickering flame",
        ),
        "soup": (
            "一碗热汤面; 热气腾腾的面条; {c}碗里的拉面; 美食; 冒着热气的食物; 牛肉面; 家常菜; 好吃的{c}碗汤面",
            "a bowl of noodles; steaming noodle soup in a {c} bowl; hot ramen; delicious food; "
            "steam over a {c} bowl of soup; a hot meal",
        ),
        "heart": (
            "跳动的心脏; 心跳; 健康的心; 爱心; 心电图; 养生和健康; 一颗跳动的红心; 关爱心脏",
            "a beating heart; a heartbeat; a healthy heart; a cardiogram; health and wellbeing; "
            "a red heart pulsing; love",
        ),
        "music": (
            "音乐; 跳动的音乐节拍; 音乐均衡器; 随着音乐跳动的音符; 音符; 歌曲的旋律; 热闹的音乐会; 电子音乐",
            "music; an equaliser dancing to music; music notes; the beat of a song; a melody; "
            "sound bars moving with the music; a concert",
        ),
        "cat": (
            "一只{c}猫; 可爱的{c}小猫; {c}猫咪眨眼睛; 宠物猫; {c}猫的脸; 萌宠; {c}小猫咪转头",
            "a {c} cat; a cute {c} kitten; a {c} cat blinking; a pet cat; the face of a {c} cat; "
            "kittens playing; cats; a kitty looking around",
        ),
        "gears": (
            "转动的{c}齿轮; 机械齿轮; {c}齿轮咬合转动; 科技; 机器在运转; 未来科技; 精密机械; 人工智能机器",
            "turning {c} gears; gears in mesh; a machine with {c} cogs; technology; machinery running; "
            "mechanical {c} gears spinning",
        ),
        "arcade": (
            "街机游戏; 吃豆人游戏; 电子游戏; 像素游戏里的{c}幽灵; 吃豆子; 复古游戏; {c}幽灵追吃豆人; 打游戏",
            "an arcade game; a video game; a {c} ghost chasing a yellow muncher; a retro maze game; "
            "eating dots in a maze; gaming",
        ),
        "book": (
            "翻开的{c}书; 书页翻动; 读书; 灯下的{c}书本; 学习; 翻书; 看书; 教育和阅读; 一本打开的书",
            "an open {c} book; a page turning; reading a {c} book; studying under a lamp; education; "
            "the pages of a book",
        ),
        "dress": (
            "{c}连衣裙; 模特穿着{c}裙子走秀; 时装秀; T台上的{c}长裙; 时尚; 穿搭; 跳舞的{c}裙子; 穿{c}裙子的女孩",
            "a {c} dress; a model in a {c} dress on the catwalk; a fashion show; a girl in a {c} skirt; "
            "fashion; a {c} gown swaying",
        ),
        "road_trip": (
            "一辆{c}汽车; {c}小汽车在公路上行驶; 开车; 行驶的{c}车; 自驾游; 公路上的{c}轿车; 试驾",
            "a {c} car; a {c} car driving along a road; driving on the highway; a road trip; "
            "an automobile passing trees",
        ),
        "hot_air_balloon": (
            "{c}热气球; 热气球飞过群山; 升空的{c}热气球; 旅行; {c}热气球在天上飘; 山谷上空的热气球; 旅游",
            "a {c} hot-air balloon; a hot-air balloon floating over mountains; a {c} hot-air balloon rising; travel; "
            "a hot air balloon ride; sightseeing from above",
        ),
    }
)
"""Scene -> phrases in Chinese and in English."""

_FRAMES = (
    (
        "{p}", "一个{m}{p}", "{m}{p}", "{p}的视频", "{m}{p}，高清画面", "请生成{p}", "一段{p}的短片",
        "{p}，{m}画面", "{m}{p}景象", "镜头里的{p}", "一个{m}{p}景象",
    ),
    (
        "{p}", "{m} {p}", "{p}, {m}", "a video of {p}", "{p}, cinematic", "a short clip of {p}",
        "{p}, high quality, 4k", "a {m} scene of {p}", "show me {p}", "close-up of {p}",
    ),
)  # fmt: skip
_MOODS = (
    ("美丽的", "宁静的", "壮观的", "温暖的", "浪漫的", "可爱的", "神奇的", "梦幻的", "清新的", "热闹的", "一个", "安静的"),
    ("beautiful", "calm", "spectacular", "warm", "romantic", "lovely", "magical", "dreamy", "peaceful", "lively", "amazing"),
)  # fmt: skip


def caption(scene: str, colour: str | None, language: str, rng: np.random.Generator) -> str:
    """Return a random caption of a scene; it names the colour if one is given."""
    index = LANGUAGES.index(language)
    phrase = pick(PHRASES[scene][index], rng)
    if colour and "{c}" not in phrase:
        phrase = ("{c}" + phrase, phrase + " in {c}")[index]
    word = pick(COLOUR_WORDS[colour][index], rng) if colour else ""
    return frame(phrase.format(c=word), language, rng)


def frame(phrase: str, language: str, rng: np.random.Generator) -> str:
    """Put a phrase into a random sentence frame with a mood."""
    index = LANGUAGES.index(language)
    framed = pick(_FRAMES[index], rng).format(p=phrase, m=pick(_MOODS[index], rng))
    return " ".join(framed.split())


def pick(options: tuple[str, ...], rng: np.random.Generator) -> str:
    """Return one of the options at random."""
    return options[int(rng.integers(len(options)))]
