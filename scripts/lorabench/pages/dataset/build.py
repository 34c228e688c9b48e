"""Make the page on a set, one file that opens from disk, and the same as JSON for programs."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from lorabench import files
from lorabench.dataset import decoding
from lorabench.dataset.refusals import RejectedError
from lorabench.dataset.risks import Risk
from lorabench.pages import template, thumbnails
from lorabench.pages.dataset.contents import Contents
from lorabench.pages.dataset.given_back import Decoded
from lorabench.pages.words import keyed

_HERE = Path(__file__).parent
_SIDE = 224
"""px of the longest side of a picture on the page."""
_LARGEST = 200_000_000
"""Pixels: what is larger is a decompression bomb, and not shown."""


def build(
    contents: Contents,
    raw: Path,
    decoded: Mapping[str, Decoded],
    output: Path,
    workers: int = 2,
) -> None:
    """Make the page, and the JSON beside it, on a normalized set that was made of `raw`."""
    environment = template.environment(_HERE)
    used: dict[str, Any] = {"said": _said}
    environment.globals |= used
    page = environment.get_template("dataset.html.j2")
    measured = [one for one in contents.shown if one.picture.file in decoded]
    files.write_text(output.with_suffix(".json"), _json(contents))
    with files.publish(output) as temporary:
        page.stream(
            name=raw.name,
            use=contents.facts.use,
            set=contents,
            figures=contents.figures,
            measured=sorted(measured, key=lambda one: one.picture.given_back or 0.0),
            parts=any(one.part for one in decoded.values()),
            pictures=_pictures(contents, raw, decoded, workers),
            data={"texts": keyed("page.", "set.")},
            made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        ).dump(str(temporary), "utf-8")


def _said(risk: Risk, part: str) -> Markup:
    """Return a part of what is said of a risk, in both languages."""
    return template.both(lambda language: getattr(risk.words(language), part))


def _json(contents: Contents) -> str:
    facts = contents.facts
    said = {
        "use": asdict(facts.use),
        **contents.figures,
        "risks": [risk.contents() for risk in contents.risks],
        "words": [word._asdict() for word in contents.words],
        "misspellings": [slip._asdict() for slip in contents.misspellings],
        "tags": [tag._asdict() for tag in contents.tags],
        "pictures": [
            {
                "name": one.name,
                "caption": one.caption,
                "own": one.own,
                "tokens": one.tokens,
                "size": one.size,
                "given_back": one.given_back,
            }
            for one in facts.pictures
        ],
    }
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def _pictures(
    contents: Contents, raw: Path, decoded: Mapping[str, Decoded], workers: int
) -> Iterator[tuple[str, str]]:
    """Yield the id and the base64 text of each picture on the page."""
    images, rejected = contents.folder / "images", contents.folder / "rejected"
    places = [
        *((one.id, raw / one.picture.name, images / one.picture.file) for one in contents.shown
          if one.embedded),
        *((one.id, rejected / one.source, raw / one.source) for one in contents.refused),
    ]  # fmt: skip
    yield from thumbnails.in_order(lambda place: (place[0], _text(*place[1:])), places, workers)
    for one in contents.shown:
        if (name := one.picture.file) in decoded:
            yield f"{one.id}-n", _encoded(decoded[name].picture)
            yield f"{one.id}-b", _encoded(decoded[name].image)


def _text(*places: Path) -> str:
    """Return the picture at the first of some places where there is one; empty where none is."""
    for path in places:
        try:
            with path.open("rb") as file:
                image = decoding.open_picture(file)
                if image.width * image.height <= _LARGEST:
                    return _encoded(decoding.decode(image, scale=_SIDE / max(image.size)))
        except (OSError, RejectedError):
            continue
    return ""


def _encoded(image: Image.Image) -> str:
    return base64.b64encode(thumbnails.encode(image, _SIDE)).decode()
