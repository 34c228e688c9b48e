"""Sets as people caption them, good ones: of booru tags and of sentences, in two languages.

Each is drawn from lists by a seeded random, so that it has the frequencies that such sets have.
"""

from random import Random

from lorabench.dataset.facts import Pictured, SetFacts, Use
from lorabench.dataset.looks import Look


def _parts(text):
    return text.split(", ") if "," in text else text.split()


POSES = _parts("standing, sitting, walking, running, lying, kneeling, arms up, from behind")
PLACES = _parts("street, classroom, forest, beach, white background, night sky, kitchen, park")
CLOTHES = _parts("school uniform, hoodie, kimono, dress, armor, swimsuit, coat, t-shirt")
FACES = _parts("smile, open mouth, closed eyes, blush, frown, looking back, tears, grin")
THINGS = _parts("cat, teapot, bicycle, lighthouse, fox, mountain, robot, cake, ship, owl")
HAIR = _parts("black hair, blonde hair, red hair, short hair, long hair, blue eyes, green eyes")
DID = _parts("sleeping, running, jumping, flying, eating, waiting, shining, dancing")
ADJECTIVES = _parts("small, happy, old, wooden, sleepy, golden, broken, huge, blue, fluffy")
物 = _parts("猫 急須 自転車 灯台 狐 山 機械 菓子 船 梟")
場所 = _parts("街角 教室 森 海辺 白背景 夜空 台所 公園")
表情 = _parts("笑顔 開いた口 照れ 怒り 涙 横顔 驚き 無表情")
服 = _parts("制服 パーカー 着物 ドレス 鎧 水着 コート 浴衣")
様子 = _parts("眠っている 走っている 跳んでいる 光っている 待っている 踊っている")


def _tags(dice, *lists, most=3):
    return [tag for one in lists for tag in dice.sample(one, dice.randint(1, most))]


def anime_style(dice):
    people = dice.choice(["1girl, solo", "1girl, solo", "1boy, solo", "2girls", "no humans"])
    return ", ".join(["inkwash style", people, *_tags(dice, HAIR, POSES, PLACES, CLOTHES, FACES)])


def sentence_style(dice):
    thing, adjective = dice.choice(THINGS), dice.choice(ADJECTIVES)
    scene = f"{dice.choice(DID)} in a {dice.choice(PLACES)}"
    return f"kvst style, a drawing of a {adjective} {thing} {scene}"


def long_sentences(dice):
    parts = [f"a {dice.choice(ADJECTIVES)} {dice.choice(THINGS)}" for _ in range(3)]
    return f"in the style of mrbl, an illustration showing {parts[0]} beside {parts[1]} and " + (
        f"{parts[2]}, {dice.choice(PLACES)}, soft light"
    )


def pruned_character(dice):
    return ", ".join(["mika (moon)", "1girl", *_tags(dice, POSES, PLACES, CLOTHES, FACES)])


def booru_character(dice):
    tags = ["rin_k", "1girl", "solo", *_tags(dice, POSES, PLACES, CLOTHES, FACES)]
    return ", ".join(tag.replace(" ", "_") for tag in tags)


def named_character(dice):
    where = dice.choice(PLACES)
    return f"oc zorbo wearing a {dice.choice(CLOTHES)}, {dice.choice(POSES)}, {where}"


def japanese_tags(dice):
    return "、".join(["すみれ", *_tags(dice, 服, 場所, 表情, most=2)])


def japanese_sentences(dice):
    return f"墨流し, {dice.choice(場所)}で{dice.choice(様子)}{dice.choice(物)}の絵"


def photographs(dice):
    return f"photo of sks dog, {dice.choice(DID)}, {dice.choice(PLACES)}, {dice.choice(FACES)}"


def quality_tags(dice):
    first = ["papercut", "masterpiece", "best quality", "absurdres"]
    return ", ".join([*first, *_tags(dice, THINGS, ADJECTIVES, PLACES)])


GOOD = {
    anime_style: ("style", "inkwash style", 60),
    sentence_style: ("style", "kvst style", 35),
    long_sentences: ("style", "in the style of mrbl", 40),
    pruned_character: ("char", "mika (moon)", 24),
    booru_character: ("char", "rin_k", 50),
    named_character: ("char", "oc zorbo", 16),
    japanese_tags: ("char", "すみれ", 20),
    japanese_sentences: ("style", "墨流し", 30),
    photographs: ("char", "sks dog", 12),
    quality_tags: ("style", "papercut", 400),
}
"""How a set is captioned -> its profile, its trigger words, and how many pictures it has."""


def facts(captions, profile="style", trigger="zw", looks=(), **changes):
    """A set of these captions, trained by the preset of SD1.x; None is a picture without one."""
    use = {"batch_size": 2, "pictures_a_step": 2, "steps": 1600, "epochs": None, "usual": 3200}
    of_pictures = {name: changes.pop(name) for name in ("size", "tokens", "given_back")
                   if name in changes}  # fmt: skip
    mark = changes.pop("mark", None)
    found = Use(**{"profile": profile, "trigger": trigger, "tokens": 75, **use, **changes})
    pictures = []
    for at, caption in enumerate(captions):
        each = {key: values[at] for key, values in of_pictures.items()}
        look = looks[at] if looks else None
        own = caption is not None
        pictures.append(
            Pictured(
                f"{at}.png", caption if own else trigger, own, 1, f"{at}.png", look=look, **each
            )
        )
    return SetFacts(found, tuple(pictures), mark)


def good(how, seed=1, **changes):
    """A good set that is captioned so."""
    profile, trigger, number = GOOD[how]
    dice = Random(seed)
    return facts([how(dice) for _ in range(number)], profile, trigger, **changes)


def unlike(number):
    """What pictures look like that have nothing in common."""
    dice = Random(number)
    return [
        Look((dice.randrange(256), 9, 9) if at % 2 else None, dice.getrandbits(64))
        for at in range(number)
    ]
