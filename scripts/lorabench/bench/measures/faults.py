"""Find the plain faults of a sweep: a LoRA without effect, a picture of one colour."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from lorabench.bench.measures.columns import LORA
from lorabench.settings.formats import reading
from lorabench.text import phrases
from lorabench.text.phrases import Language

if TYPE_CHECKING:
    import pandas as pd

UNCHANGED_BELOW = 0.004
"""Two pictures with a smaller mean absolute difference (0 to 1) are the same.

This is one of 255 grey levels, the difference between fused and unfused arithmetic.
"""

CONSTANT_BELOW = 0.004
"""A picture with less contrast (standard deviation of the luma, 0 to 0.5) shows nothing."""


Name = Literal["dead_lora", "unchanged_picture", "broken_render"]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: its label on a picture, and in both languages its title and what to do."""

    label: str
    title: tuple[str, str]
    advice: tuple[str, str]


KINDS: dict[Name, Kind] = {
    "dead_lora": Kind(
        "dead LoRA",
        ("Dead LoRA: it changes nothing", "LoRA が効いていません"),
        (
            "Look whether the loss fell in training, whether the LoRA's alpha and tensors are "
            "zero, and whether it was trained for this base model.",
            "学習中に損失が下がったか、LoRA の alpha やテンソルが 0 でないか、"
            "このベースモデル用に学習したものかを確かめてください。",
        ),
    ),
    "unchanged_picture": Kind(
        "unchanged",
        ("Unchanged pictures: some are those of weight 0", "重み 0 と同じ画像があります"),
        (
            "Either the LoRA is nearly without effect at this weight, or a picture was mixed up: "
            "render these cells again.",
            "この重みでは LoRA がほとんど効いていないか、画像を取り違えています。"
            "これらの画像を描画し直してください。",
        ),
    ),
    "broken_render": Kind(
        "constant",
        ("Broken render: a picture of one colour", "単色の画像があります"),
        (
            "Mostly NaN or overflow. At weight 0 too: try the base model and its VAE in float32. "
            "Only above: the training blew up; lower the learning rate.",
            "多くは NaN か桁あふれです。重み 0 でも単色なら、ベースモデルと VAE を float32 で試し、"
            "LoRA を使ったときだけなら学習が発散しているので、学習率を下げてください。",
        ),
    ),
}

TEXTS = {
    "only": ("weight {weight:g}: the only picture is {why}", "重み {weight:g}: 唯一の画像が{why}"),
    "all": (
        "weight {weight:g}: all {pictures} pictures are {why}",
        "重み {weight:g}: 画像 {pictures} 枚すべてが{why}",
    ),
    "some": (
        "weight {weight:g}: {faulty} of {pictures} pictures {faulty:is|are} {why}",
        "重み {weight:g}: 画像 {pictures} 枚のうち {faulty} 枚が{why}",
    ),
    "constant": ("of a single colour", "単色です"),
    "equal": ("the same as at weight 0 (to the bit)", "重み 0 と完全に同じです"),
    "nearly_equal": (
        "the same as at weight 0 (mean absolute difference at most {difference:.1g})",
        "重み 0 と同じです(平均絶対差は最大 {difference:.1g})",
    ),
}
"""Which pictures, and what is wrong with them, in English and Japanese."""


@dataclass(frozen=True)
class Fault:
    """One fault at one weight."""

    kind: Name
    weight: float
    seeds: list[int]
    files: list[str]
    """The files of the pictures, as in the table."""
    pictures: int = 0
    """The number of pictures at this weight."""
    difference: float | None = None
    """The largest mean absolute difference of pictures that are the same as at weight 0."""
    lora: str = ""
    """The key of the LoRA, where there are several."""
    message: str = ""
    """Version 0.1 wrote this in place of the two numbers above."""

    def title(self, language: Language = "en") -> str:
        """Return what its kind is called."""
        return phrases.say(KINDS[self.kind].title, language)

    def advice(self, language: Language = "en") -> str:
        """Return what to look at."""
        return phrases.say(KINDS[self.kind].advice, language)

    def words(self, language: Language = "en") -> str:
        """Return the fault as a phrase; in English if version 0.1 wrote it."""
        faulty = len(self.files)
        which = "only" if self.pictures == 1 else "all" if faulty == self.pictures else "some"
        if self.difference is None:
            what = "constant"
        else:
            what = "nearly_equal" if self.difference else "equal"
        why = phrases.say(TEXTS[what], language, difference=self.difference)
        text = phrases.say(TEXTS[which], language, why=why, faulty=faulty, **vars(self))
        said = self.message or text
        return f"{self.lora}: {said}" if self.lora else said


_FILE = TypeAdapter(list[Fault])


def find(table: "pd.DataFrame") -> list[Fault]:
    """Return the faults in a table of `metrics.measure`, by weight."""
    by = [LORA, "weight"] if LORA in table else ["weight"]
    by_weight: Iterable[tuple[Any, pd.DataFrame]] = table.groupby(by)
    return [
        replace(fault, lora=of[0]) if of else fault
        for (*of, weight), rows in by_weight
        for fault in _at(weight, rows)
    ]


def write(faults: list[Fault], path: Path) -> None:
    """Write the faults as a JSON list of objects with the fields of `Fault`."""
    path.write_bytes(_FILE.dump_json(faults, indent=2, exclude_defaults=True) + b"\n")


def read(path: Path) -> list[Fault]:
    """Read what `write` wrote; raise `UserError` for anything else."""
    with reading(path, "the warnings of a sweep"):
        return _FILE.validate_json(path.read_bytes())


def block(faults: list[Fault]) -> str:
    """Return the faults as a conspicuous block of text."""
    lines = ["", "!" * 80]
    for name, kind in KINDS.items():
        of_kind = [fault for fault in faults if fault.kind == name]
        if of_kind:
            lines += ["!!  WARNING  " + kind.title[0].upper().replace("LORA", "LoRA")]
            lines += [line for fault in of_kind for line in _wrapped(fault.words(), "  - ")]
            lines += _wrapped(kind.advice[0], "  ")
            lines += ["!" * 80]
    return "\n".join([*lines, ""])


def _at(weight: float, rows: "pd.DataFrame") -> Iterator[Fault]:
    constant = rows["contrast"] < CONSTANT_BELOW
    if constant.any():
        yield _fault("broken_render", weight, rows, constant)
    if weight == 0:
        return
    unchanged = ~constant & (rows["difference"] < UNCHANGED_BELOW)
    if unchanged.any():
        dead = unchanged.sum() == (~constant).sum()
        most = float(rows["difference"][unchanged].max())
        yield _fault("dead_lora" if dead else "unchanged_picture", weight, rows, unchanged, most)


def _fault(
    kind: Name, weight: float, rows: "pd.DataFrame", chosen: "pd.Series", most: float | None = None
) -> Fault:
    seeds, files = rows["seed"][chosen].unique(), rows["file"][chosen]
    return Fault(kind, float(weight), list(map(int, seeds)), list(files), len(rows), most)


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(
        text, 80, initial_indent=f"!!{first}", subsequent_indent="!!" + " " * len(first)
    )
