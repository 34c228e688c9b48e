"""Several trainings in one call: lists of values, each with each, or a sheet of rows."""

import csv
import difflib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any

from lorabench import layout
from lorabench.errors import UserError
from lorabench.run import existing
from lorabench.settings import kohya_names, plain_yaml
from lorabench.settings.layers import merge
from lorabench.settings.mappings import nested
from lorabench.settings.models import SECTIONS, Config
from lorabench.settings.types import as_name, from_home
from lorabench.settings.validation import keys, shortened

_OF_A_MACHINE = ("train.threads", "train.device")
VARIES = tuple(
    key
    for key in keys(Config)
    if key in ("raw_set", "profile", "reg_set", "trigger", "run_id")
    or (key.startswith(("train.", "preprocess.")) and key not in _OF_A_MACHINE)
)
"""The settings in which the runs of a call may differ; the rules take the others from one run."""

_EXAMPLE = "matrix='{rank: [8, 16], unet_lr: [2e-3, 4e-3]}', or matrix=my_runs.csv"


@dataclass(frozen=True)
class Row:
    """What one training has of its own."""

    where: str = ""
    """How the user finds it: its line in the sheet, or its values."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """By the settings' full names."""

    def over(self, merged: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of all with those of this training."""
        return merge(merged, nested(self.values))

    def explains(self, error: UserError) -> UserError:
        """Return the error with where to mend it, if it is of one of these values."""
        key = str(error).partition(":")[0]
        ours = {one for full in self.values for one in (full, full.rpartition(".")[0])}
        return UserError(f"{self.where}: {error}") if self.where and key in ours else error


@dataclass(frozen=True)
class Matrix:
    """The trainings of a call, and what their comparison is called."""

    name: str
    rows: Sequence[Row]

    def labels(self, configs: Mapping[str, Config]) -> dict[str, str]:
        """Return what tells each run from the others, such as `rank 8, unet_lr 0.002`."""
        names = dict.fromkeys(["raw_set", *(key for row in self.rows for key in row.values)])
        found = {name: list(map(attrgetter(name), configs.values())) for name in names}
        varying = {
            name: values for name, values in found.items() if values.count(values[0]) < len(values)
        }
        return {
            run_id: _said({name: values[at] for name, values in varying.items()})
            for at, run_id in enumerate(configs)
        }


def read(merged: Mapping[str, Any]) -> Matrix | None:
    """Return the trainings that the settings' `matrix` asks for; None if it is not given.

    Raises `UserError` for a user's mistakes, but for values: the settings' models check these.
    """
    given = merged.get("matrix")
    if given in (None, ""):
        return None
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = _yaml(given)
    if isinstance(given, Mapping):
        name, rows = "-".join(_words(merged, given)), list(_each_with_each(given))
    elif isinstance(given, str):
        path = _path(given)
        name, rows = path.stem, list(_of_sheet(path))
    else:
        raise UserError(f"matrix: should be lists of values or a CSV file, as in {_EXAMPLE}")
    _check(merged, rows)
    return Matrix(as_name(name), rows)


def check_name(name: str, run_ids: Mapping[str, Row]) -> None:
    """Refuse to put the comparison where a run lies."""
    folder = layout.RUNS / name
    if name in run_ids or existing.is_run(folder):
        raise UserError(f"{folder} is a run; rename the sheet, after which the comparison is named")


def _each_with_each(given: Mapping[Any, Any]) -> Iterator[Row]:
    if not given:
        raise UserError(f"matrix: is empty; write it as in {_EXAMPLE}")
    listed = {}
    for key, values in _flat(given):
        full = _full(key)
        if full in listed:
            raise UserError(f"matrix: {full} is there twice")
        listed[full] = values if isinstance(values, list) else [values]
        if not listed[full]:
            raise UserError(f"matrix: {key} has no values; write {{{key}: [8, 16]}}")
    for values in product(*listed.values()):
        row = dict(zip(listed, values, strict=True))
        yield Row(f"matrix, {_said(row)}", row)


def _of_sheet(path: Path) -> Iterator[Row]:
    head, *lines = _lines(path)
    columns = [_full(name.strip(), f"{path}: ") for name in head[1]]
    if twice := [name for name, count in Counter(columns).items() if count > 1]:
        raise UserError(f"{path}: two columns are called {twice[0]}")
    for number, cells in lines:
        if len(cells) > len(columns):
            raise UserError(
                f"{path}, line {number}: {len(cells)} cells, and {len(columns)} columns; put a "
                "value with a comma in quotes"
            )
        texts = (cell.strip() for cell in cells)
        row = {name: text for name, text in zip(columns, texts, strict=False) if text}
        yield Row(f"{path}, line {number}", row)


def _path(given: str) -> Path:
    try:
        return Path(from_home(given))
    except ValueError as error:
        raise UserError(f"matrix: {shortened(given)}: {error}") from None


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Return the lines of a sheet that are not empty, with their numbers: its head and a row."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UserError(f"matrix: there is no file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"matrix: {path} cannot be read: {error}") from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)  # spreadsheets write what their country does
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        found = [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UserError(f"matrix: {path} cannot be read as CSV: {error}") from None
    if len(found) < 2:
        raise UserError(
            f"matrix: {path} should have the settings' names in its first line, such as "
            "rank,unet_lr, and a line for each training"
        )
    return found


def _full(key: Any, where: str = "matrix: ") -> str:
    """Return the full name of a setting in which runs may differ."""
    name = str(key).removeprefix("--")
    if found := _named(name, VARIES):
        return found
    if found := _named(name, list(keys(Config))):
        raise UserError(
            f"{where}{found} is the same for all runs of a call; give it once, beside the matrix, "
            "and other values in calls of their own"
        )
    short = {one.rpartition(".")[2]: one for one in reversed(VARIES)}
    near = difflib.get_close_matches(name.rpartition(".")[2], short, 1, 0.5)
    meant = kohya_names.OURS.get(name) or (near and short[near[0]])
    hint = f"did you mean {meant}?" if meant else f"there are: {', '.join(VARIES)}"
    raise UserError(f"{where}{name}: no such setting; {hint}")


def _named(name: str, known: Sequence[str]) -> str | None:
    """Return the setting of this name, written with or without its section."""
    short = (one for one in known if one.rpartition(".")[2] == name)
    return name if name in known else next(short, None)


def _flat(given: Mapping[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the settings of a mapping, those of a section by their full names."""
    for key, value in given.items():
        if key in SECTIONS and isinstance(value, Mapping):
            yield from ((f"{key}.{name}", inner) for name, inner in value.items())
        elif not isinstance(key, str):
            raise UserError(f"matrix: {key!r} is no setting; put several values in [ ]: {_EXAMPLE}")
        else:
            yield key, value


def _words(merged: Mapping[str, Any], given: Mapping[Any, Any]) -> Iterator[str]:
    """Yield what the comparison is called: the set, and the settings that have lists."""
    listed = [key for key, value in _flat(given) if isinstance(value, list)]
    sets = merged.get("raw_set") or []
    if "raw_set" not in listed:
        named = sets if isinstance(sets, list) else str(sets).split(",")
        yield from (PurePath(str(one).strip()).name for one in named)  # a shell completes folders
    yield from (key.rpartition(".")[2] for key in listed)


def _check(merged: Mapping[str, Any], rows: Sequence[Row]) -> None:
    for key in ("lora", "skip_train"):
        if merged.get(key):
            raise UserError(f"matrix: lists trainings, and {key} trains nothing; give one of them")
    if merged.get("run_id") and len(rows) > 1:
        raise UserError("run_id names one run, and matrix lists several; leave it out")


def _said(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key.rpartition('.')[2]} {'–' if value in (None, '') else value}"
        for key, value in values.items()
    )


def _yaml(text: str) -> Any:
    try:
        return plain_yaml.read(text)
    except ValueError:
        raise UserError(f"matrix: {text!r} is no YAML; write it as in {_EXAMPLE}") from None
