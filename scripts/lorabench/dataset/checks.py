"""Whether a set will do for its training. Each check says what it finds, or nothing.

The limits are set so that sets from which good LoRAs came pass: a warning that is often wrong is
read by nobody.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from statistics import mean, median

from lorabench.dataset import vocabulary
from lorabench.dataset.facts import Pictured, SetFacts
from lorabench.dataset.risks import Risk
from lorabench.text import phrases

FEW = 5
"""So many pictures, or fewer, are learnt by heart."""
_ENOUGH = 8
"""From so many pictures on, what they share is no chance."""
_SLIP = 1 / 3
"""Where more captions lack the trigger words, that is meant: plain pictures beside the taught."""
_ALIKE, _NAMED = 0.9, 0.8
"""The shares of captions: alike; with a trait."""
SAME_SUBJECT = 0.95
"""The share of captions that name one subject from which on it is learnt with the style."""
_BACKGROUND, _LEVELS = 0.9, 16
"""The share of pictures with a background of one colour, within so many of 255 levels."""
_DISTANCE = {"style": 25, "char": 18}
"""Bits of 64: the mean distance of pictures that look alike. Those of one character differ by 21 or
more, those of a style by 28; one drawing, cut out again and again, by 4 to 25."""
GIVEN_BACK = 0.5
"""The share of fine detail that the base's autoencoder has to give back (docs/verdict.md)."""
_LONG = 0.1
_ALONE = 0.4
_TOO_FEW, _TOO_MANY = 0.15, 500
"""Pictures shown, as a share of the preset's; times that each is shown."""
_USUAL = 150
"""Times that a picture is shown in a usual training."""
_NAMES = 3

_OF_BODY = re.compile(
    r"\b(hair|eyes?|bangs|twintails?|ponytails?|braids?|ahoge|(?:cat|dog|fox|animal|rabbit|bunny|"
    r"wolf|horse|pointy|elf) ?ears?|horns?|tail|wings?|fangs?|freckles|scar|heterochromia|"
    r"(?:dark|pale|blue|green)[- ]skin(?:ned)?|fur|beard|mustache)\b"
    r"|髪|[目眼瞳]の?色|.[目眼瞳]$|ツインテール|ポニーテール|三つ編み|アホ毛|[猫犬狐獣]耳|角$|尻尾|しっぽ|翼$|八重歯"
)
_PASSING = re.compile(
    r"\b(closed|half-closed|one|looking|floating|messy|wet|through|over|in|between|crossed) .*"
    r"(hair|eyes?)\b|\b(hair|eyes?) (over|between|up|down|ornament|ribbon|bow|flower|clip|band)"
    r"|閉じた|つぶった"
)
"""What comes and goes with a picture, though it names a part of the body."""
_OF_STYLE = re.compile(
    r"^(?:(?:a|an) )?(watercolou?r(?: \(medium\))?|oil paint(?:ing)?|ink|line ?art|sketch|"
    r"pencil(?: drawing)?|crayon|pastel|monochrome|grey?scale|pixel art|cel shading|"
    r"flat colou?rs?|halftone|chalk|charcoal|impasto|ukiyo-e|retro|thick outlines?|水彩画?|"
    r"油絵|線画|白黒|モノクロ|ドット絵|厚塗り|鉛筆画?|浮世絵|墨絵)(?: style)?$"
)
_THINGS = """
cat cats kitten dog dogs puppy fox wolf bear rabbit bunny mouse horse cow pig sheep goat deer lion
tiger elephant monkey bird birds owl duck chicken penguin fish whale shark frog turtle snake dragon
dinosaur unicorn insect butterfly bee spider snail crab octopus
car cars truck bus train bicycle motorcycle ship boat airplane plane rocket spaceship tank robot
robots mecha house houses building buildings castle church tower bridge lighthouse city street
flower flowers rose tree trees mushroom apple fruit cake food bread cup teapot bottle lamp chair
table book clock umbrella hat shoe shoes sword gun star moon mountain mountains landscape
cat-girl mermaid skull monster ghost witch knight angel zombie snowman doll toy
猫 犬 狐 狼 熊 兎 馬 牛 豚 羊 鹿 虎 象 猿 鳥 梟 魚 鯨 蛙 亀 蛇 竜 龍 恐竜 虫 蝶 車 自動車 電車
船 飛行機 自転車 家 建物 城 塔 橋 灯台 街 花 薔薇 木 樹 茸 林檎 果物 菓子 料理 急須 時計 本 傘
帽子 靴 剣 星 月 山 風景 骸骨
ネコ イヌ キツネ クマ ウサギ ロボット ドラゴン キノコ リンゴ ケーキ ビル
"""
_SUBJECTS = frozenset(_THINGS.split())
"""What pictures are of. A word that all captions have may be an idle one, so only these count, and
what a sentence names; people do not: they are what most sets show."""
_NAMED_THING = re.compile(
    r"\b(?:an?|one) (?:(?!of )[\w-]+ ){0,2}?([\w-]+)(?=[,.;]|$| (?:in|on|at|with|under|by|near|"
    r"over|beside|behind|against|is|and|wearing|holding|\w+ing)\b)"
)
"""The last word of what follows an article: an axolotl, a small pink axolotl in a pond."""
_OTHER = """
background backdrop scene view style picture photo photograph image drawing painting illustration
portrait sketch print artwork close-up closeup shot frame pose distance room sky ground floor wall
girl boy woman man person people child lady guy kid figure character face smile lot pair group row
"""
_NO_SUBJECTS = frozenset(_OTHER.split()) | vocabulary.FILLERS
_COLOURS = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "red": (220, 40, 40),
    "green": (60, 170, 60),
    "blue": (60, 100, 210),
    "yellow": (240, 220, 60),
    "orange": (240, 150, 50),
    "purple": (140, 70, 180),
    "pink": (245, 160, 190),
    "brown": (130, 90, 50),
}
_NAMES_BACKGROUND = re.compile(r"background|backdrop|背景", re.IGNORECASE)


def find(facts: SetFacts) -> list[Risk]:
    """Return all that will spoil the training, what matters most first."""
    return [risk for check in CHECKS for risk in check(facts)]


def _few_pictures(facts: SetFacts) -> Iterator[Risk]:
    if len(facts.pictures) <= FEW:
        yield Risk("few_pictures", {"count": len(facts.pictures)})


def _trigger(facts: SetFacts) -> Iterator[Risk]:
    if not facts.trigger or not facts.captioned:
        return
    lacking = [one for one in facts.captioned if not facts.trigger.search(one.caption)]
    fields = {"trigger": facts.use.trigger, "count": len(facts.captioned)}
    if len(lacking) == len(facts.captioned):
        yield Risk("trigger_nowhere", fields)
    elif lacking and len(lacking) <= _SLIP * len(facts.captioned):
        yield Risk("trigger_missing", {**fields, "missing": len(lacking), **_named(lacking)},
                   _all(lacking))  # fmt: skip


def _trigger_unsure(facts: SetFacts) -> Iterator[Risk]:
    """Yield that most captions begin with one tag where nobody knows the trigger words."""
    if facts.use.trigger or not facts.captioned:
        return
    first = [next(iter(vocabulary.tags(one.caption)), "") for one in facts.captioned]
    tag, times = Counter(first).most_common(1)[0]
    others = [one for one, its in zip(facts.captioned, first, strict=True) if its != tag]
    if tag and others and len(others) <= _SLIP * len(first):
        fields = {"tag": tag, "times": times, "count": len(first), **_named(others)}
        yield Risk("trigger_unsure", fields, _all(others))


def _captions_alike(facts: SetFacts) -> Iterator[Risk]:
    captions = Counter(" ".join(one.caption.split()) for one in facts.pictures)
    if len(facts.pictures) > 1:
        caption, same = captions.most_common(1)[0]
        if same >= _ALIKE * len(facts.pictures):
            fields = {"same": same, "count": len(facts.pictures), "caption": caption}
            yield Risk("captions_alike", fields)


def _trait_named(facts: SetFacts) -> Iterator[Risk]:
    if len(facts.told) < _ENOUGH:
        return
    times = vocabulary.counted(map(vocabulary.tags, facts.told))
    often = [tag for tag, count in times.most_common() if count >= _NAMED * len(facts.told)]
    character = facts.use.profile == "char"
    meant = [tag for tag in often if (_is_of_body(tag) if character else _OF_STYLE.match(tag))]
    if meant:
        fields = {"traits": phrases.few([repr(tag) for tag in meant], 6), "number": len(meant)}
        least = min(times[tag] for tag in meant) / len(facts.told)
        yield Risk("trait_named", {**fields, "share": least, "what": 1 if character else 2})


def _is_of_body(tag: str) -> bool:
    return bool(_OF_BODY.search(tag)) and not _PASSING.search(tag)


def _background_unnamed(facts: SetFacts) -> Iterator[Risk]:
    looks = [one.look.background if one.look else None for one in facts.pictures]
    plain = [colour for colour in looks if colour]
    if facts.use.profile != "char" or len(looks) < _ENOUGH or not plain:
        return
    middle = tuple(round(median(channel)) for channel in zip(*plain, strict=True))
    same = sum(_apart(colour, middle) <= _LEVELS for colour in plain)
    colour = min(_COLOURS, key=lambda name: _apart(_COLOURS[name], middle))
    named = sum(bool(_NAMES_BACKGROUND.search(told) or colour in told) for told in facts.told)
    if same >= _BACKGROUND * len(looks) and named < 0.5 * len(looks):
        fields = {
            "same": same,
            "count": len(looks),
            "colour": "#{:02x}{:02x}{:02x}".format(*middle),
        }
        yield Risk("background_unnamed", {**fields, "example": f"{colour} background"})


def _apart(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _mark(facts: SetFacts) -> Iterator[Risk]:
    if facts.mark:
        yield Risk("mark", dict(zip(("left", "top", "right", "bottom"), facts.mark, strict=True)))


def _subject_alike(facts: SetFacts) -> Iterator[Risk]:
    if facts.use.profile != "style" or any(_captions_alike(facts)):
        return
    for word, count in subject(facts.told):
        yield Risk("subject_alike", {"subject": word, "times": count, "count": len(facts.told)})


def subject(told: Sequence[str]) -> list[tuple[str, int]]:
    """Return the subject that nearly all captions name, if any, and how many of them do.

    Captions come without the trigger words; few of them say nothing.
    """
    if len(told) < _ENOUGH:
        return []
    most = vocabulary.counted(map(_subjects, told)).most_common(1)
    return [(word, count) for word, count in most if count >= SAME_SUBJECT * len(told)]


def _subjects(told: str) -> list[str]:
    """Return what a caption says that a picture shows, as far as that can be known."""
    named = _NAMED_THING.findall(" ".join(told.lower().split()))
    listed = (word for word in vocabulary.words(told) if word in _SUBJECTS)
    return [*listed, *(word for word in named if word not in _NO_SUBJECTS)]


def _pictures_alike(facts: SetFacts) -> Iterator[Risk]:
    hashes = [one.look.phash for one in facts.pictures if one.look and one.look.phash is not None]
    if len(hashes) < _ENOUGH:
        return
    step = max(1, len(hashes) // 200)
    distance = mean((a ^ b).bit_count() for a, b in combinations(hashes[::step], 2))
    if distance < _DISTANCE[facts.use.profile]:
        yield Risk("pictures_alike", {"distance": distance})


def _not_given_back(facts: SetFacts) -> Iterator[Risk]:
    measured = [one for one in facts.pictures if one.given_back is not None]
    if measured:
        share = median(one.given_back or 0.0 for one in measured)
        if share < GIVEN_BACK:
            yield Risk("not_given_back", {"share": share})


def _captions_long(facts: SetFacts) -> Iterator[Risk]:
    counted = [one for one in facts.captioned if one.tokens is not None]
    long = [one for one in counted if (one.tokens or 0) > facts.use.tokens]
    if counted and len(long) >= _LONG * len(counted):
        fields = {"long": len(long), "count": len(counted), "limit": facts.use.tokens}
        yield Risk("captions_long", fields, _all(long))


def _lone_buckets(facts: SetFacts) -> Iterator[Risk]:
    use = facts.use
    sizes = Counter(one.size for one in facts.pictures)
    alone = [one for one in facts.pictures if one.size and sizes[one.size] * one.repeats == 1]
    matters = use.batch_size > 1 and len(facts.pictures) > FEW
    if matters and len(alone) >= _ALONE * len(facts.pictures):
        fields = {"alone": len(alone), "count": len(facts.pictures), "batch": use.batch_size}
        yield Risk("lone_buckets", fields, _all(alone))


def _steps(facts: SetFacts) -> Iterator[Risk]:
    use, epoch = facts.use, sum(one.repeats for one in facts.pictures)
    if facts.shown < _TOO_FEW * use.usual:
        steps = max(1, round(use.usual / use.pictures_a_step))
        yield Risk("steps_few", {"shown": round(facts.shown), "usual": use.usual, "steps": steps})
    elif len(facts.pictures) > FEW and facts.shown > max(_TOO_MANY * epoch, use.usual):
        steps = max(1, round(_USUAL * epoch / use.pictures_a_step))
        each = round(facts.shown / epoch)
        yield Risk("steps_many", {"count": len(facts.pictures), "each": each, "steps": steps})


def _named(pictures: list[Pictured]) -> dict[str, str]:
    return {"names": phrases.few([one.name for one in pictures], _NAMES)}


def _all(pictures: list[Pictured]) -> tuple[str, ...]:
    return tuple(one.name for one in pictures)


CHECKS: tuple[Callable[[SetFacts], Iterator[Risk]], ...] = (
    _few_pictures,
    _trigger,
    _trigger_unsure,
    _captions_alike,
    _trait_named,
    _background_unnamed,
    _subject_alike,
    _mark,
    _pictures_alike,
    _not_given_back,
    _captions_long,
    _lone_buckets,
    _steps,
)
"""In the order in which they are shown."""
