"""Make the page: a template, its style and scripts, the run's data and its pictures in one file."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from lorabench import files, phrases
from lorabench.bench.verdicts import words
from lorabench.report import (
    again,
    contents,
    copies,
    earlier,
    glance,
    next_step,
    run,
    strings,
    thumbnails,
)

_PAGE = Path(__file__).parent / "page"
_SCRIPTS = ("base", "grid", "compare", "zoom", "blind", "chart", "plots", "main")
"""In the order in which they are read."""


def build(
    folder: Path,
    dataset: Path | None,
    output: Path,
    base_model: Path | None = None,
    workers: int = 2,
) -> list[str]:
    """Make the page on the run in `folder` and return the files that it misses.

    The page is written as it is made: one picture after the other, a few in memory at a time.

    Args:
        folder: `runs/<run_id>`.
        dataset: the normalized set that the run was trained on, where it is known.
        output: the page.
        base_model: where the base model lies, for the command that is shown.
        workers: threads that encode pictures.

    Raises:
        UserError: there is no run in `folder`, or one of its files is damaged.
    """
    found = run.read(folder, dataset)
    examples, left_out = contents.training(found), contents.rejected(found)
    pictures = thumbnails.embedded(contents.thumbnails(found, examples, left_out), workers)
    page = _environment().get_template("report.html.j2")
    with files.publish(output) as temporary:
        page.stream(
            run=found,
            sweep={key: value for key, value in found.sweep.items() if key != "variants"},
            again=again.command(again.record_of(folder, found.sweep), found.sweep, base_model),
            step=_step(found, base_model),
            earlier=earlier.find(folder, base_model),
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
    environment.globals |= {"t": _text, "both": _both, "finding": contents.finding}
    environment.globals |= {"label": contents.label, "in_words": contents.in_words}
    environment.globals |= {"no_weight": contents.no_weight}
    environment.globals |= {"left_out": _left_out, "try_next": _try_next}
    environment.filters |= {"weight": "{:.2f}".format, "embed": _embed, "flat": _flat}
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


def _step(found: run.Run, base_model: Path | None) -> next_step.NextStep | None:
    if not (found.verdict and found.sweep):
        return None
    return next_step.find(found.folder, found.verdict, found.sweep, base_model)


def _try_next(step: next_step.NextStep) -> Markup:
    return _both({"en": words.try_next(step.code, "en"), "ja": words.try_next(step.code, "ja")})


def _left_out(found: earlier.Earlier) -> Markup:
    return _both({"en": earlier.sentence(found, "en"), "ja": earlier.sentence(found, "ja")})


def _embed(content: Any) -> Markup:
    """Write JSON so that nothing in it ends the script element around it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as one level, `train.rank`, values as JSON where they are no text."""
    flat: dict[str, str] = {}
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            plain = (
                value
                if isinstance(value, str)
                else json.dumps(value, ensure_ascii=False, default=str)
            )
            flat[f"{prefix}{key}"] = plain
    return flat
