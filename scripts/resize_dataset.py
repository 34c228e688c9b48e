"""Make a training set of a folder of raw pictures.

Reads png, jpg, webp, bmp, gif, tiff, avif, heic and jxl, in subfolders and through links too, with
captions beside them as .txt or .caption.
Writes OUTPUT/images (PNG and .txt), OUTPUT/preprocess_log.csv and OUTPUT/rejected. The raw folder
is only read. Every picture is brought upright, to sRGB and to the size of the nearest aspect
bucket; pictures that are broken, too small, too long or double are rejected with a reason.
"""

import argparse
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lorabench import cli, parent
from lorabench.base.stable_diffusion import SD15
from lorabench.dataset import normalize, raw
from lorabench.dataset import notes as raw_notes
from lorabench.dataset.picture import Row
from lorabench.errors import UserError
from lorabench.settings.layers import read_section
from lorabench.settings.models import PreprocessSettings
from lorabench.settings.validation import validate

log = logging.getLogger("lorabench")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("raw", type=Path, metavar="RAW_DIR", help="folder of raw pictures")
    add("--output", type=Path, required=True, metavar="DIR", help="the set")
    add("--store", type=Path, metavar="DIR", help="finished pictures, kept so that none is made "
        "twice; may be deleted at any time (default: .pictures beside the output)")  # fmt: skip
    add("--workers", type=cli.positive, default=os.cpu_count(), metavar="N", help="processes")
    add("--settings", type=Path, metavar="YAML", help="a file with a `preprocess:` section")
    add("--convert-rgb", action="store_true", help="accepted and without effect: always done")
    add("--yes", action="store_true", help="replace an existing output, unasked")
    _add_settings(parser.add_argument_group("settings", "over those of the file, or of SD1.5"))
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Normalize the set and say what became of it."""
    store = arguments.store or arguments.output.resolve().parent / ".pictures"
    _check_folders(arguments.raw, arguments.output, store)
    settings = _settings(arguments)
    normalize.check_replaceable(arguments.output)
    if not arguments.yes:
        _ask_to_replace(arguments.output)
    parent.end_with_workflow()
    found = raw.read(arguments.raw)
    raw_notes.check_captions(found, settings.trigger)
    rows = normalize.normalize_set(found, arguments.output, settings, store, arguments.workers)
    for note in raw_notes.notes(found, found.trigger(settings.trigger)):
        cli.detail("%s", note)  # a workflow has said so, before its first job
    log.info("%s", _summary(rows, arguments.output))
    cli.detail("%s", _buckets(rows))


def _add_settings(group: argparse._ArgumentGroup) -> None:
    for name, field in PreprocessSettings.model_fields.items():
        kind: Any = field.annotation  # of these settings a plain type
        group.add_argument(f"--{name.replace('_', '-')}", type=kind, help=field.description)


def _settings(arguments: argparse.Namespace) -> PreprocessSettings:
    """Merge the preset, the settings file and the options, later ones over earlier ones."""
    values = dict(SD15.preset["preprocess"])
    if arguments.settings:
        values |= read_section(arguments.settings, "preprocess")
    given = {name: getattr(arguments, name) for name in PreprocessSettings.model_fields}
    values |= {name: value for name, value in given.items() if value is not None}
    return validate(PreprocessSettings, values)


def _check_folders(raw: Path, output: Path, store: Path) -> None:
    """Raise `UserError` if a folder to write lies in one that is read or replaced."""
    if not raw.is_dir():
        raise UserError(f"there is no folder {raw}")
    inside, out, kept = raw.resolve(), output.resolve(), store.resolve()
    for name, folder in (("output", out), ("store", kept)):
        if folder.is_relative_to(inside):
            raise UserError(f"the {name} {folder} is in the raw folder, which is never written")
    if inside.is_relative_to(out) or kept.is_relative_to(out):
        raise UserError(f"the output {out} is replaced as a whole; nothing else may be in it")


def _ask_to_replace(output: Path) -> None:
    if not output.exists() or not any(output.iterdir()):
        return
    if not sys.stdin.isatty():
        raise UserError(f"{output} exists; give --yes to replace it")
    if not cli.agreed(f"{output} exists. Replace it?"):
        raise UserError(f"{output} was left as it is")


def _summary(rows: Sequence[Row], output: Path) -> str:
    used = [row for row in rows if row.ok]
    captions = Counter(row.caption for row in used)
    triggered = captions["missing"] + captions["empty"]
    lines = [f"{len(used)} of {len(rows)} pictures are in {output / normalize.IMAGES}"]
    if triggered:
        lines.append(f"{triggered} had no caption and got the trigger words")
    if len(used) < len(rows):
        lines.append(f"rejected: {normalize.reasons(rows)}")
        lines.append(normalize.examples(rows))
    return "\n".join(lines)


def _buckets(rows: Sequence[Row]) -> str:
    buckets = Counter((row.width, row.height) for row in rows if row.ok)
    lines = [f"  {f'{w}×{h}':>9}  {count}" for (w, h), count in sorted(buckets.items())]
    return "\n".join(["buckets:", *lines])


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
