"""Captions of what no clip can show, alone or beside something known, in Chinese and English.

From these the text encoder learns to say "not named". Many words share characters or letters with known ones (地球, park and
carpet), because a text with such a word names nothing known.
"""

import numpy as np

from models.video.cartoons.captions import COLOUR_WORDS, LANGUAGES, frame, pick
from models.video.cartoons.descriptions import ATTRIBUTES, Description
from models.video.cartoons.sentences import DIRECTIONS, SPEEDS, in_front_of

_SCENES_OF_BACKDROPS = ("rain", "snow")
"""Backdrops that are scenes too: of a text that names only the weather, the scene is drawn."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", " ").split(";"))


_THINGS = (
    _words("""
    狗; 小狗; 男人; 女人; 老人; 小孩; 男孩; 婴儿; 医生; 警察; 老师; 厨师; 士兵; 宇航员; 机器人; 恐龙; 大象; 老虎;
    狮子; 熊猫; 猴子; 兔子; 马; 牛; 羊; 猪; 鸡; 老鼠; 蛇; 青蛙; 乌龟; 蜘蛛; 蜜蜂; 鲸; 海豚; 企鹅; 房子; 城堡; 教堂;
    桥; 塔; 学校; 医院; 商店; 办公室; 厨房; 卧室; 公园; 沙漠; 瀑布; 火山; 洞穴; 农场; 工厂; 桌子; 椅子; 沙发; 床;
    窗户; 门; 镜子; 杯子; 瓶子; 刀; 钥匙; 手表; 手机; 电脑; 电视; 相机; 冰箱; 自行车; 摩托车; 火车; 地铁; 坦克;
    卡车; 苹果; 香蕉; 西瓜; 蛋糕; 面包; 披萨; 咖啡; 牛奶; 啤酒; 巧克力; 帽子; 鞋子; 外套; 眼镜; 雕像; 国王; 公主;
    骑士; 魔法师; 龙; 天使; 外星人; 僵尸; 侦探; 画家; 农民; 新娘; 树; 竹子; 仙人掌; 蘑菇; 钢铁; 木头; 玻璃; 钱;
    股票; 数学; 历史; 哲学; 新闻; 比赛; 考试; 会议; 婚礼; 葬礼; 生日; 瑜伽; 跑步; 滑雪; 拳击; 太极; 做饭; 化妆;
    理发; 打扫; 睡觉; 上海; 海鲜; 海报; 云南; 星期; 星巴克; 花生; 花费; 猫头鹰; 鱼香肉丝; 鸟巢; 球迷; 地球; 月球;
    书包; 书法; 书店; 心情; 心理; 船长; 日本; 日记; 日常; 雪糕; 雪碧; 香烟; 灯泡; 电灯; 音响; 声音; 牙齿; 气候;
    天气; 气味; 叶问; 红包; 白酒; 白菜; 黄油; 绿豆; 蓝莓; 紫菜; 伞兵; 车站; 马车; 电车; 车库; 飞机场; 太阳镜; 水果;
    水泥; 香水; 火锅; 火腿; 山羊; 登山; 光头; 城管; 机会; 司机; 机场; 手套; 飞行员; 热水器; 游客; 游泳; 舞蹈; 唱歌;
    节目; 天花板; 风扇; 空气; 空调
    """),
    _words("""
    dog; puppy; man; woman; old man; child; boy; baby; doctor; policeman; teacher; chef; soldier; astronaut; robot;
    dinosaur; elephant; tiger; lion; panda; monkey; rabbit; horse; cow; sheep; pig; chicken; mouse; snake; frog;
    turtle; spider; bee; whale; dolphin; penguin; bear; wolf; fox; deer; giraffe; zebra; house; castle; church;
    bridge; tower; school; hospital; shop; office; kitchen; bedroom; bathroom; park; desert; waterfall; volcano;
    cave; farm; factory; table; chair; sofa; bed; window; door; mirror; cup; bottle; knife; key; watch; phone;
    computer; television; camera; fridge; bicycle; motorcycle; train; subway; tank; truck; bus; apple; banana; pear;
    watermelon; cake; bread; pizza; coffee; milk; beer; chocolate; sandwich; hat; shoes; glasses; statue; king;
    princess; knight; wizard; dragon; angel; alien; zombie; detective; painter; farmer; bride; tree; bamboo; cactus;
    mushroom; metal; wood; glass; money; stocks; mathematics; history; philosophy; news; contest; exam; meeting;
    wedding; funeral; birthday; yoga; boxing; cooking; makeup; haircut; cleaning; person; people; crowd; friends;
    family; student; athlete; dancer; couple; player; carpet; cartoon; carton; carrot; cargo; carpenter; card; scar;
    catalogue; category; cattle; caterpillar; catch; stairs; starfish; start; starch; planet; plant; planner;
    boater; bath; barn; ballet; ballad; ballroom; wall; hall; bookcase; bookkeeper; heartless; hearth; earth;
    rainbow; train station; brain; drain; snowman; snowboard; citizen; candy; candidate; rocker; pocket; kit;
    kitchen table; duct; dusty attic; umber pigment; leash; fishmonger; selfish boss; birch; thirty coins; seal;
    season; seat; search; nightmare; knitting; wavelength; firewood; fireplace; firefighter; firefly; flowchart;
    flour; soupcon; sou'wester; address; hair dresser; tears; beard; musician; muscle; museum; amusement; gamer;
    gamble; hot dog; hotel; airport; aircraft carrier; broad shoulders; roadwork; trip wire; stripes; sunglasses;
    sundial; Sunday; moonshine; loud speaker; lighthouse; light bulb; shipment; worship; friendship; skin; skiing;
    sky diver; ocelot; sandpaper; thread; bread knife; machinist; machete; technician; steam engine; stream;
    bowling; bowler; delivery; goldsmith; paperclip; sailor suit; space station; partying; party hat; sport;
    passport; pointed ears; streetcar; sticker; lamp post
    """),
)  # fmt: skip
_DOING = (
    _words("""
    走路; 奔跑; 跳舞; 说话; 微笑; 工作; 睡觉; 打电话; 坐着; 站着; 战斗; 唱歌; 哭; 弹钢琴; 画画; 骑自行车; 购物; 聊天
    """),
    _words("""
    walking; running; dancing; talking; smiling; working; sleeping; eating; on the phone; sitting; standing;
    fighting; singing; crying; playing the piano; painting; riding a bicycle; shopping; chatting; drinking coffee;
    jumping; cooking dinner; in the kitchen; in the park; on a table; in front of a building; wearing sunglasses;
    in space; in the style of Van Gogh; in slow motion
    """),
)  # fmt: skip
_BEFORE = (
    _words("""
    一个; 一只; 一条; 一把; 一艘; 一辆; 一架; 一颗; 一片; 一枚; 一支; 一座; 一位; 一张; 一台; 这; 那个; 许多
    """),
    _words("""
    a; the; one; this; my; an old; a small; a big; many; a lot of; a pile of
    """),
)
_BESIDE = (
    ("{t}和{k}", "{t}旁边有{k}", "{k}和{t}", "{t}看着{k}", "{k}，还有{t}", "{t}追着{k}"),
    ("{t} and {k}", "{t} with {k}", "{k} and {t}", "{t} looking at {k}", "{k} next to {t}", "{t} chasing {k}", "{k} for {t}"),
)  # fmt: skip
_EMPTY, _MADE_UP, _TWO = 0.03, 0.15, 0.25
"""Shares of captions without any word, of made-up words, and of captions of two things."""
_SYLLABLES = ("bcdfghjklmnprstvwz", "aeiou", ("", "", "n", "r", "st", "ck", "ll", "m"))


def other_caption(language: str, rng: np.random.Generator) -> tuple[str, Description]:
    """Return a random caption of something unknown, sometimes in front of a known backdrop, and what it says that is known."""
    if rng.random() < _EMPTY:
        return "", Description(None)
    index = LANGUAGES.index(language)
    says = {name: pick(ATTRIBUTES[name], rng) for name in ("colour", "direction", "speed") if rng.random() < 0.15}
    words = [_thing(index, says.get("colour"), rng)]
    if rng.random() < _TWO:
        words = [pick(_BESIDE[index], rng).format(t=_thing(index, None, rng), k=words[0])]
    words += [pick(_DOING[index], rng)] if rng.random() < 0.6 else []
    words += [pick(SPEEDS[says["speed"]][index], rng)] if "speed" in says else []
    words += [pick(DIRECTIONS[says["direction"]][index], rng)] if "direction" in says else []
    backdrop = pick(ATTRIBUTES["backdrop"], rng) if rng.random() < 0.25 else None
    text = (" " * index).join(words)
    if backdrop:
        text = in_front_of(backdrop, text, language, rng)
    scene = backdrop if backdrop in _SCENES_OF_BACKDROPS else None
    said = Description(scene, backdrop=None if scene else backdrop, **says)
    return frame(text, language, rng) if rng.random() < 0.4 else text, said


def beside_something(known: str, language: str, rng: np.random.Generator) -> str:
    """Return the caption of something known with something unknown beside it."""
    index = LANGUAGES.index(language)
    return pick(_BESIDE[index], rng).format(t=_thing(index, None, rng), k=known)


def _thing(index: int, colour: str | None, rng: np.random.Generator) -> str:
    """Return something unknown, in a colour if one is given."""
    word = _made_up(index, rng) if rng.random() < _MADE_UP else pick(_THINGS[index], rng)
    coloured = [pick(COLOUR_WORDS[colour][index], rng)] if colour else []
    before = [pick(_BEFORE[index], rng)] if rng.random() < 0.6 else []
    return (" " * index).join([*before, *coloured, word])


def _made_up(index: int, rng: np.random.Generator) -> str:
    """Return a word that means nothing: two random characters, or some syllables."""
    if index == 0:
        return "".join(chr(code) for code in rng.integers(0x4E00, 0x9FA5, size=2))
    return "".join(pick(tuple(part), rng) for _ in range(int(rng.integers(1, 4))) for part in _SYLLABLES)
