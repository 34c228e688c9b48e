"""What the captions of a set say: their tags and words, how often, and which may be misspelt."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

_COMMA = re.compile("[,，、;]")
_WORD = re.compile(r"(?<!\w)[^\W\d_][^\W_]*(?:['’-][^\W_]+)*")
_SCRIPTS = re.compile(
    "[\u4e00-\u9fff\u3005]+|[\u30a0-\u30ff]+|[^\u3040-\u30ff\u3005\u4e00-\u9fff]+"
)
_SHORTEST, _OFTEN = 5, 3
"""A word that is shorter, or one that stands in fewer captions, says nothing about spelling."""
_ENDINGS = frozenset(
    ("s", "es", "d", "ed", "r", "er", "ers", "ing", "y", "ly", "n", "en", "ish", "'s", "’s")
)

_BETWEEN = """
a an the of in on at with and or to from by for is are was has have her his its their it she he they
this that there while very as into over under behind beside near front one two three no not wearing
holding standing sitting looking
"""
FILLERS = frozenset(_BETWEEN.split())
"""Words that say nothing of a picture by themselves."""


class Misspelling(NamedTuple):
    """A word that stands in one caption, and the one that was likely meant."""

    word: str
    meant: str
    times: int
    """In how many captions the word stands that was likely meant."""


def without(caption: str, trigger: re.Pattern[str] | None) -> str:
    """Return a caption without the trigger words."""
    return trigger.sub("", caption) if trigger else caption


def tags(caption: str) -> list[str]:
    """Return what commas part, in small letters and with spaces for underscores.

    >>> tags("mofu, Blue_eyes,  a  hat,")
    ['mofu', 'blue eyes', 'a hat']
    """
    parts = (" ".join(part.replace("_", " ").split()) for part in _COMMA.split(caption.lower()))
    return [part for part in parts if part]


def words(caption: str) -> list[str]:
    """Return the words of a caption in small letters, fillers left out.

    Japanese has no spaces: there, what is written in one script counts as a word, and hiragana
    alone as none.

    >>> words("A cat's hat, 青い背景のネコ")
    ["cat's", 'hat', '青', '背景', 'ネコ']
    """
    found = (
        part
        for word in _WORD.findall(caption.lower().replace("_", " "))
        for part in _SCRIPTS.findall(word)
    )
    return [word for word in found if word not in FILLERS]


def counted(parts: Iterable[Iterable[str]]) -> Counter[str]:
    """Return in how many captions each tag or word stands."""
    return Counter(one for parts_of_one in parts for one in set(parts_of_one))


def are_tags(captions: Iterable[str]) -> bool:
    """Return whether captions are lists of tags rather than sentences."""
    lists = [tags(caption) for caption in captions]
    found = [tag for one in lists for tag in one]
    short = sum(len(tag.split()) <= 3 for tag in found)
    return len(found) >= 2.5 * len(lists) and short >= 0.8 * len(found)


def misspellings(times: Counter[str], is_word: Callable[[str], bool]) -> Iterator[Misspelling]:
    """Yield what stands in one caption, is no word and is a letter away from a frequent one."""
    frequent = [word for word, n in times.most_common() if n >= _OFTEN and len(word) >= _SHORTEST]
    for word, count in times.items():
        if count > 1 or len(word) < _SHORTEST or not word.isascii() or is_word(word):
            continue
        if meant := next((one for one in frequent if _is_slip(word, one)), None):
            yield Misspelling(word, meant, times[meant])


def _is_slip(word: str, meant: str) -> bool:
    shorter, longer = sorted((word, meant), key=len)
    return longer.removeprefix(shorter) not in _ENDINGS and _one_apart(shorter, longer)


def _one_apart(shorter: str, longer: str) -> bool:
    """Return whether one letter was added, left out or changed, or two changed places."""
    if len(longer) - len(shorter) > 1 or shorter == longer:
        return False
    same = next((i for i, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), None)
    if same is None:  # a letter more at the end
        return True
    short, long = shorter[same:], longer[same:]
    if len(short) < len(long):
        return short == long[1:]
    return short[1:] == long[1:] or (short[:2] == long[1::-1] and short[2:] == long[2:])
