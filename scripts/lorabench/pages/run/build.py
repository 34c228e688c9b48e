"""Make the page: a template, its style and scripts, the run's data and its pictures in one file."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lorabench import files
from lorabench.bench.verdicts import words
from lorabench.dataset import normalize
from lorabench.errors import UserError
from lorabench.pages import finished_run, tables, template, thumbnails
from lorabench.pages.run import (
    contents,
    copies,
    earlier,
    evidence,
    glance,
    heat_map,
    next_step,
)
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.settings.mappings import flat
from lorabench.settings.records import Record

_PAGE = Path(__file__).parent / "page"


def build(
    folder: Path,
    training_set: Path | None,
    output: Path,
    base_model: Path | None = None,
    workers: int = 2,
) -> list[str]:
    """Make the page on the run in `folder` and return the files that it misses.

    The page is written as it is made: one picture after the other, a few in memory at a time.
    `training_set` are the normalized pictures that it was trained on, where they are known, and
    `base_model` is where that lies, for the command that is shown; `workers` threads encode.
    Raises `UserError`: there is no run in `folder`, or one of its files is damaged.
    """
    found = finished_run.read(folder, training_set)
    if found.is_empty:
        raise UserError(f"{folder}: nothing of a run is there; its folder is runs/<run_id>")
    left, step = earlier.find(folder, found.sweep), next_step.find(found, base_model)
    command = partial(repeat_command, found.record, base=base_model)
    examples, left_out = contents.training(found), contents.rejected(found)
    pictures = thumbnails.embedded(contents.thumbnails(found, examples, left_out), workers)
    page = template.environment(_PAGE).get_template("report.html.j2")
    with files.publish(output) as temporary:
        page.stream(
            run=found,
            rows=_rows,
            again=(found.record or found.sweep) and command(found.sweep),
            step=step,
            try_next=step and partial(words.try_next, step.code),
            left_out=left and partial(earlier.sentence, left),
            wider=left and command(left.sweep),
            data=contents.for_scripts(found, examples),
            ruler=contents.ruler(found),
            tied=contents.tied,
            evidence=evidence.evidence,
            loras=heat_map.find(found),
            glance=glance.choose(found, examples),
            copies=copies.find(found, examples),
            examples=[one for one in examples if one.shown],
            set_page=training_set and _set_page(training_set, output.parent),
            held_out=tables.held_out(found.loss),
            rejected=left_out,
            pictures=pictures,
            made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        ).dump(str(temporary), "utf-8")
    return found.missing


def _set_page(training_set: Path, start: Path) -> str | None:
    """Return the link from the folder `start` to the page on the set, if there is one."""
    page = training_set.parent / normalize.PAGE
    return quote(Path(os.path.relpath(page, start)).as_posix()) if page.is_file() else None


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
