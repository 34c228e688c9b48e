"""What is known of a set before it is trained on, and of the training: what the checks go by.

Before the pictures are normalized only the raw set is known; afterwards the log of the normalizing
and the pictures, too. What is not known is None, and the checks say nothing of it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import TypeAdapter

from lorabench.dataset import check, vocabulary
from lorabench.dataset.raw import RawSet
from lorabench.settings.formats import reading
from lorabench.text import syntax

if TYPE_CHECKING:
    from lorabench.dataset.looks import Look

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as shares of a picture."""


@dataclass(frozen=True)
class Use:
    """What a set is to be trained for."""

    profile: Literal["style", "char"]
    trigger: str
    """The words that call the LoRA; empty where nothing tells them."""
    batch_size: int
    pictures_a_step: float
    """Of the set, with gradient accumulation."""
    steps: int | None
    epochs: int | None
    usual: int
    """How many pictures the preset of the base's family shows in a training."""
    tokens: int
    """How many tokens of a caption the text encoder reads."""

    @classmethod
    def read(cls, path: Path) -> "Use":
        """Read `json` from a file; raise `UserError` for anything else."""
        with reading(path, "what a set is to be trained for"):
            return TypeAdapter(cls).validate_json(path.read_bytes())

    @property
    def json(self) -> str:
        """The use as a text."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True)
class Pictured:
    """A picture that is trained on."""

    name: str
    """Its path within the raw set."""
    caption: str
    """What it is trained with."""
    own: bool
    """Whether that was written for it, and does not stand in for a caption."""
    repeats: int = 1
    file: str = ""
    """Its name in images/."""
    size: tuple[int, int] | None = None
    """Of its bucket, px."""
    look: "Look | None" = None
    tokens: int | None = None
    given_back: float | None = None
    """The share of its detail that the base's autoencoder gives back."""


@dataclass(frozen=True)
class SetFacts:
    """A set and what it is to be trained for."""

    use: Use
    pictures: tuple[Pictured, ...]
    mark: Box | None = None
    """Where all pictures have the same edges: a frame, a watermark."""

    @cached_property
    def captioned(self) -> list[Pictured]:
        """The pictures with a caption of their own."""
        return [picture for picture in self.pictures if picture.own]

    @cached_property
    def trigger(self) -> re.Pattern[str] | None:
        """What finds the trigger words, None where they are not known."""
        if not self.use.trigger:
            return None
        return re.compile(syntax.word(self.use.trigger).pattern, re.IGNORECASE)

    @cached_property
    def told(self) -> list[str]:
        """What the captions say besides the trigger words."""
        return [vocabulary.without(picture.caption, self.trigger) for picture in self.captioned]

    @property
    def shown(self) -> float:
        """How many pictures the training shows, each as often as it does."""
        use, epoch = self.use, sum(picture.repeats for picture in self.pictures)
        return use.steps * use.pictures_a_step if use.steps else (use.epochs or 0) * epoch


def of_raw(raw: RawSet, use: Use) -> SetFacts:
    """Return what a raw set says by itself, before its pictures are looked at."""
    stand_in = raw.stand_in(use.trigger)
    return SetFacts(
        use,
        tuple(
            Pictured(one.name, one.words or stand_in, bool(one.words), one.folder.repeats)
            for one in raw.pictures
        ),
    )


def of_normalized(folder: Path, use: Use) -> SetFacts:
    """Return what a normalized set says; what its log does not say is not known."""
    from lorabench.dataset import looks  # numpy, which a parse of the Snakefile need not import

    pictures = []
    images = folder / "images"
    for name, row in check.made(folder).items():
        text = (images / name).with_suffix(".txt")
        if text.is_file():
            look = looks.look(images / name, row.get("phash") or "")
            pictures.append(_pictured(name, row, text.read_text(encoding="utf-8"), look))
    return SetFacts(use, tuple(pictures), looks.mark([images / one.file for one in pictures]))


def _pictured(name: str, row: Mapping[str, str], caption: str, look: "Look") -> Pictured:
    width, height, repeats = (row.get(key) or "" for key in ("width", "height", "repeats"))
    return Pictured(
        row.get("source") or name,
        caption.strip(),
        row.get("caption") not in ("empty", "missing"),
        int(repeats) if repeats.isdecimal() else 1,
        name,
        (int(width), int(height)) if width.isdecimal() and height.isdecimal() else None,
        look,
    )
