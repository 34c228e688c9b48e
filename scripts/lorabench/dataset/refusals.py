"""Reasons why raw pictures are left out: codes and fields in files, words on the screen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from lorabench.text import phrases
from lorabench.text.phrases import Language

KINDS = {
    "small": ("too small", "小さすぎる"),
    "large": ("too many pixels", "大きすぎる"),
    "aspect": ("extreme aspect", "極端な縦横比"),
    "truncated": ("truncated", "途中で切れている"),
    "undecodable": ("undecodable", "読み込めない"),
    "same": ("exact duplicate", "同一画像の重複"),
    "similar": ("near duplicate", "ほぼ同じ画像の重複"),
    "other": ("other", "その他"),
}
"""The kinds of refused pictures, in English and Japanese."""

TEXTS = {
    "too_small": (
        "small",
        "too small: {width}×{height}, at least {edge} on the shorter edge",
        "{width}×{height}(短辺は {edge} 以上が必要)",
    ),
    "enlarged": (
        "small",
        "too small: {width}×{height}, at least {least_width}×{least_height} "
        "(enlarged at most {times:g} times)",
        "{width}×{height}({least_width}×{least_height} 以上が必要。拡大は {times:g} 倍まで)",
    ),
    "too_large": (
        "large",
        "too many pixels: {width}×{height} are {millions:.1f} million, at most {limit:g}",
        "{width}×{height}({millions:.1f} 百万画素。上限は {limit:g} 百万画素)",
    ),
    "too_wide": (
        "aspect",
        "aspect {aspect:.3g}:1, at most {limit:g}:1",
        "縦横比 {aspect:.3g}:1(上限 {limit:g}:1)",
    ),
    "too_tall": (
        "aspect",
        "aspect 1:{aspect:.3g}, at most 1:{limit:g}",
        "縦横比 1:{aspect:.3g}(上限 1:{limit:g})",
    ),
    "truncated": (
        "truncated",
        "truncated: the file ends too early",
        "ファイルが途中で終わっています",
    ),
    "empty": ("undecodable", "cannot be decoded: the file is empty", "ファイルが空です"),
    "no_picture": (
        "undecodable",
        "cannot be decoded: not a picture that is known here",
        "対応している画像形式ではありません",
    ),
    "no_memory": (
        "undecodable",
        "cannot be decoded: not enough memory",
        "デコード中にメモリーが不足しました",
    ),
    "damaged": (
        "undecodable",
        "cannot be decoded: a damaged or truncated {format} file",
        "{format} ファイルが壊れています",
    ),
    "undecodable": (
        "undecodable",
        "cannot be decoded: {message}",
        "デコードできません({message})",
    ),
    "broken_link": (
        "undecodable",
        "cannot be read: a link to a file that is not there",
        "リンク先のファイルがありません",
    ),
    "no_file": ("undecodable", "cannot be read: not a file", "ファイルではありません"),
    "unreadable": ("undecodable", "cannot be read: {message}", "ファイルを開けません({message})"),
    "same": ("same", "same picture as {other}", "{other} と同じ画像です"),
    "similar": (
        "similar",
        "nearly the same picture as {other} (distance {distance})",
        "{other} とほぼ同じ画像です(ハッシュ距離 {distance})",
    ),
    "other": ("other", "{reason}", "{reason}"),
}
"""Refusal.code -> its kind, and the reason in English and Japanese."""


@dataclass(frozen=True)
class Refusal:
    """Why a raw picture is left out."""

    code: str
    """A key of `TEXTS`."""
    fields: Mapping[str, str | int | float]
    """The values in its texts."""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the refusal in a row of preprocess_log.csv.

        Version 0.1, and maybe other programs, wrote only a sentence, which stays as it is.
        """
        try:
            found = cls(row["code"], json.loads(row["fields"]))
            found.words()
        except (LookupError, TypeError, ValueError):
            return cls("other", {"reason": row["reason"]})
        return found

    def kind(self, language: Language = "en") -> str:
        """Return the kind of reason, in a word or two."""
        return phrases.say(KINDS[TEXTS[self.code][0]], language)

    def words(self, language: Language = "en") -> str:
        """Return the reason in plain words."""
        return TEXTS[self.code][1 + (language == "ja")].format(**self.fields)


class RejectedError(Exception):
    """A picture that cannot be used."""

    def __init__(self, code: str, **fields: str | int | float) -> None:
        """Refuse it for the reason `code`; its words are the error's text."""
        self.refusal = Refusal(code, fields)
        super().__init__(self.refusal.words())
