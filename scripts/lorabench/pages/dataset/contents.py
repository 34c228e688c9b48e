"""What the page on a set shows: its pictures by bucket, what was refused, what captions say."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from lorabench.base import tokens
from lorabench.dataset import check, vocabulary
from lorabench.dataset.facts import Pictured, SetFacts
from lorabench.dataset.refusals import Refusal
from lorabench.dataset.risks import Risk
from lorabench.text.phrases import count

SHOWN = 600
"""How many pictures are shown; so many are a page of about 6 MB."""
_NEAR = 10
"""Bits of the perceptual hash: pictures that differ by no more are worth a look."""
_MOST_PAIRS, _MOST_TAGS, _MOST_WORDS, _MOST_ONCE = 60, 300, 40, 200
_MOST = 0.5
"""The share of captions from which on a word stands in most of them."""
_FEW_SHOWN = 8

Row = Mapping[str, str]


class Crop(NamedTuple):
    """What is kept of a raw picture, in shares of its width and height."""

    left: float
    top: float
    width: float
    height: float

    @property
    def lost(self) -> float:
        """The share of the picture that is cut off."""
        return 1 - self.width * self.height


@dataclass(frozen=True)
class Shown:
    """A picture that is trained on, as the page shows it."""

    id: str
    picture: Pictured
    raw_size: tuple[int, int] | None
    crop: Crop | None
    scale: float | None
    caption: Markup
    """With the trigger words marked."""
    embedded: bool
    """Whether the page carries the picture."""


class Refused(NamedTuple):
    """A raw picture that was left out."""

    id: str
    source: str
    why: Refusal


class Pair(NamedTuple):
    """Two pictures that are nearly the same."""

    kept: str
    other: str
    """The ids of their pictures."""
    names: tuple[str, str]
    distance: int
    refused: bool
    """Whether the second one was left out for it."""


class Often(NamedTuple):
    """A tag or word, and how many captions have it."""

    text: str
    times: int
    share: float


@dataclass(frozen=True)
class Contents:
    """All that the page shows of a set, but for the pixels."""

    folder: Path
    facts: SetFacts
    risks: Sequence[Risk]

    @cached_property
    def _rows(self) -> dict[str, Row]:
        return check.made(self.folder)

    @cached_property
    def shown(self) -> list[Shown]:
        """The pictures that are trained on, in their order."""
        step = max(1.0, len(self.facts.pictures) / SHOWN)
        some = {int(at * step) for at in range(min(SHOWN, len(self.facts.pictures)))}
        return [
            self._shown(f"p{at}", one, at in some) for at, one in enumerate(self.facts.pictures)
        ]

    def _shown(self, name: str, one: Pictured, embedded: bool) -> Shown:
        row = self._rows[one.file]
        raw = _size(row, "original_width", "original_height")
        scale = row.get("scale") or ""
        caption = _marked(one.caption, self.facts)
        crop = _crop(row.get("crop") or "", raw)
        return Shown(name, one, raw, crop, float(scale) if scale else None, caption, embedded)

    @cached_property
    def buckets(self) -> list[tuple[tuple[int, int] | None, list[Shown]]]:
        """The pictures by the size of their bucket, the fullest first."""
        found: dict[tuple[int, int] | None, list[Shown]] = {}
        for one in self.shown:
            found.setdefault(one.picture.size, []).append(one)
        return sorted(found.items(), key=lambda item: (-len(item[1]), item[0] or (0, 0)))

    @cached_property
    def refused(self) -> list[Refused]:
        """The raw pictures that were left out."""
        rows = [row for row in check.rows(self.folder) if row.get("ok") != "True"]
        return [
            Refused(f"r{at}", row["source"], Refusal.of_row(row)) for at, row in enumerate(rows)
        ]

    @cached_property
    def pairs(self) -> list[Pair]:
        """Pictures that are nearly the same, the most alike first."""
        return sorted([*self._doubles(), *self._near()], key=lambda one: one.distance)[:_MOST_PAIRS]

    def _doubles(self) -> Iterator[Pair]:
        """Yield the pairs of which one was left out."""
        ids = {one.picture.name: one.id for one in self.shown if one.embedded}
        for one in self.refused:
            other = str(one.why.fields.get("other"))
            if one.why.code in ("same", "similar") and other in ids:
                distance = int(one.why.fields.get("distance", 0))
                yield Pair(ids[other], one.id, (other, one.source), distance, True)

    def _near(self) -> Iterator[Pair]:
        """Yield the pairs among the pictures that stay."""
        hashed = [
            (one.picture.look.phash, one)
            for one in self.shown
            if one.embedded and one.picture.look and one.picture.look.phash is not None
        ]
        for at, (phash, one) in enumerate(hashed):
            for other_hash, other in hashed[at + 1 :]:
                if (distance := (phash ^ other_hash).bit_count()) <= _NEAR:
                    names = one.picture.name, other.picture.name
                    yield Pair(one.id, other.id, names, distance, False)

    @cached_property
    def tags(self) -> list[Often]:
        """The tags that several captions have, the most frequent first."""
        return self._often(vocabulary.counted(map(vocabulary.tags, self.facts.told)))[:_MOST_TAGS]

    @cached_property
    def _word_times(self) -> Counter[str]:
        return vocabulary.counted(map(vocabulary.words, self.facts.told))

    @property
    def words(self) -> list[Often]:
        """The words that stand in most captions, or the most frequent ones."""
        found = self._often(self._word_times)
        most = [word for word in found if word.share >= _MOST]
        return (most or found[:10])[:_MOST_WORDS]

    @property
    def once(self) -> list[str]:
        """The words that stand in one caption, those aside that are likely misspelt."""
        slips = {slip.word for slip in self.misspellings}
        found = sorted(word for word, n in self._word_times.items() if n == 1 and word not in slips)
        return found[:_MOST_ONCE]

    @cached_property
    def misspellings(self) -> list[vocabulary.Misspelling]:
        """The words that are likely misspelt."""
        return list(vocabulary.misspellings(self._word_times, tokens.knower()))

    def _often(self, times: Counter[str]) -> list[Often]:
        every = max(1, len(self.facts.told))
        return [Often(text, n, n / every) for text, n in times.most_common() if n > 1]

    @property
    def uncaptioned(self) -> list[Shown]:
        """The pictures without a caption of their own."""
        return [one for one in self.shown if not one.picture.own]

    @property
    def figures(self) -> dict[str, Any]:
        """The set in a few numbers."""
        scales = [one.scale for one in self.shown if one.scale]
        lost = [one.crop.lost for one in self.shown if one.crop]
        long = [one.picture.tokens for one in self.shown if one.picture.tokens is not None]
        return {
            "used": len(self.shown),
            "count": len(self.shown) + len(self.refused),
            "buckets": len(self.buckets),
            "enlarged": sum(scale > 1 for scale in scales),
            "most": max(scales, default=1.0),
            "lost": median(lost) if lost else None,
            "most_lost": max(lost, default=0.0),
            "captioned": len(self.facts.captioned),
            "tokens": median(long) if long else None,
            "most_tokens": max(long, default=0),
        }

    @property
    def sentence(self) -> str:
        """The set in a line."""
        figures = self.figures
        enlarged = f", {figures['enlarged']} enlarged" if figures["enlarged"] else ""
        tokens = f", up to {figures['most_tokens']} tokens" if figures["tokens"] else ""
        return (
            f"{figures['used']} of {count(figures['count'], 'picture')} in "
            f"{count(figures['buckets'], 'bucket')}{enlarged}; "
            f"{count(figures['captioned'], 'caption')}{tokens}"
        )

    def of(self, risk: Risk) -> list[Shown]:
        """Return some pictures that a risk is about."""
        names = set(risk.pictures)
        found = [one for one in self.shown if one.picture.name in names and one.embedded]
        return found[:_FEW_SHOWN]


def _size(row: Row, width: str, height: str) -> tuple[int, int] | None:
    numbers = row.get(width) or "", row.get(height) or ""
    return (int(numbers[0]), int(numbers[1])) if all(map(str.isdecimal, numbers)) else None


def _crop(text: str, raw: tuple[int, int] | None) -> Crop | None:
    parts = text.split(",")
    if not raw or len(parts) != 4 or not all(map(str.isdecimal, parts)):
        return None
    left, top, width, height = map(int, parts)
    return Crop(left / raw[0], top / raw[1], width / raw[0], height / raw[1])


def _marked(caption: str, facts: SetFacts) -> Markup:
    if not facts.trigger:
        return escape(caption)
    found, end = Markup(), 0
    for match in facts.trigger.finditer(caption):
        found += escape(caption[end : match.start()]) + Markup("<mark>{}</mark>").format(match[0])
        end = match.end()
    return found + escape(caption[end:])
