"""Make the page: a template, its style and scripts, the run's data and its pictures in one file."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from lorabench import files
from lorabench.bench.verdicts import words
from lorabench.errors import UserError
from lorabench.pages import finished_run
from lorabench.pages.run import (
    again,
    contents,
    copies,
    earlier,
    glance,
    next_step,
    strings,
    thumbnails,
)
from lorabench.settings.mappings import flat
from lorabench.settings.records import Record
from lorabench.text import phrases

_PAGE = Path(__file__).parent / "page"
_SCRIPTS = ("base", "grid", "compare", "zoom", "blind", "chart", "plots", "main")
"""In the order in which they are read."""


def build(
    folder: Path,
    training_set: Path | None,
    output: Path,
    base_model: Path | None = None,
    workers: int = 2,
) -> list[str]:
    """Make the page on the run in `folder` and return the files that it misses.

    The page is written as it is made: one picture after the other, a few in memory at a time.

    Args:
        folder: `runs/<run_id>`.
        training_set: the normalized pictures that it was trained on, where they are known.
        output: the page.
        base_model: where the base model lies, for the command that is shown.
        workers: threads that encode pictures.

    Raises:
        UserError: there is no run in `folder`, or one of its files is damaged.
    """
    found = finished_run.read(folder, training_set)
    if found.is_empty:
        raise UserError(f"{folder}: nothing of a run is there; its folder is runs/<run_id>")
    left = earlier.find(folder, found.sweep)
    command = partial(again.command, found.record, base=base_model, loras=found.loras)
    examples, left_out = contents.training(found), contents.rejected(found)
    pictures = thumbnails.embedded(contents.thumbnails(found, examples, left_out), workers)
    page = _environment().get_template("report.html.j2")
    with files.publish(output) as temporary:
        page.stream(
            run=found,
            again=found.sweep and command(found.sweep),
            step=next_step.find(found, base_model),
            earlier=left,
            wider=left and command(left.sweep),
            data=contents.for_scripts(found, examples),
            ruler=contents.ruler(found),
            glance=glance.choose(found, examples),
            copies=copies.find(found, examples),
            examples=[one for one in examples if one.shown],
            rejected=left_out,
            pictures=pictures,
            style=_source("report.css"),
            language=_source("language.js"),
            scripts=[_source(f"{name}.js") for name in _SCRIPTS],
            made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        ).dump(str(temporary), "utf-8")
    return found.missing


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    used: dict[str, Any] = {
        **{"t": _text, "both": _both, "left_out": _left_out, "try_next": _try_next},
        **{"label": contents.label, "finding": contents.finding, "in_words": contents.in_words},
        "no_weight": contents.no_weight,
    }
    filters: dict[str, Any] = {"weight": "{:.2f}".format, "embed": _embed, "rows": _rows}
    environment.globals |= used
    environment.filters |= filters
    return environment


def _source(name: str) -> Markup:
    return Markup((_PAGE / name).read_text(encoding="utf-8"))


def _text(key: str, **values: Any) -> Markup:
    """Return a text in both languages; the page shows the one that was chosen."""
    safe = {name: escape(value) for name, value in values.items()}
    en, ja = (Markup(phrases.fill(text, **safe)) for text in strings.TEXTS[key])
    return en if en == ja else _both({"en": en, "ja": ja})


def _both(text: Mapping[str, str]) -> Markup:
    return Markup(
        '<span class="en" lang="en">{en}</span><span class="ja" lang="ja">{ja}</span>'
    ).format(**text)


def _try_next(step: next_step.NextStep) -> Markup:
    return _both({"en": words.try_next(step.code, "en"), "ja": words.try_next(step.code, "ja")})


def _left_out(found: earlier.Earlier) -> Markup:
    return _both({"en": earlier.sentence(found, "en"), "ja": earlier.sentence(found, "ja")})


def _embed(content: Any) -> Markup:
    """Write JSON so that nothing in it ends the script element around it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _rows(settings: Record | Mapping[str, Any] | None) -> dict[str, str]:
    """Return settings as the rows of a table, `train.rank`, values as JSON where they are no text.

    Those without a value are left out.
    """
    if isinstance(settings, Record):
        how = settings.model_dump(mode="json", include=set(Record.model_fields))
        settings = {**settings.contents(), **how}
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in flat(settings or {}).items()
        if value != "" and key != "variants"
    }
