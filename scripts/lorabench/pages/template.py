"""Render the pages: templates in two languages, shared styles and scripts."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from lorabench.bench.verdicts import words
from lorabench.pages.words import phrase
from lorabench.text.phrases import Language

_SHARED = Path(__file__).parent / "shared"


def environment(folder: Path) -> jinja2.Environment:
    """Return the environment for templates in `folder`, which may include the shared files."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _SHARED]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def source(name: str) -> Markup:
        path = next(place / name for place in (folder, _SHARED) if (place / name).exists())
        return Markup(path.read_text(encoding="utf-8"))

    used: dict[str, Any] = {"t": text, "both": both, "source": source}
    for said in (words.finding, words.label, words.no_weight, words.no_window):
        used[said.__name__] = partial(_in_both, said)
    filters: dict[str, Any] = {"weight": "{:.2f}".format, "embed": embed}
    made.globals |= used
    made.filters |= filters
    return made


def _in_both(said: Callable[[Any, Language], str], of: Any) -> Markup:
    return both(partial(said, of))


def text(key: str, **values: object) -> Markup:
    """Return a text in both languages; the page shows the chosen one."""
    safe = {key: escape(one) if isinstance(one, str) else one for key, one in values.items()}
    return both(lambda language: Markup(phrase(key, language, **safe)))


def both(said: Callable[[Language], str]) -> Markup:
    """Return a text in both languages, or once if they are the same."""
    english, japanese = said("en"), said("ja")
    if english == japanese:
        return escape(english)
    return Markup('<span lang="en">{}</span><span lang="ja">{}</span>').format(english, japanese)


def embed(content: Any) -> Markup:
    """Write JSON that cannot end the script element around it."""
    written = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Markup(written.replace("<", "\\u003c"))
